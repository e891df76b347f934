#!/usr/bin/env bash
# Evaluate a trained model.
#
# Waits for the run and returns its exit status; BACKGROUND=1 returns at once. Flags behind the
# arguments (--batch_size 4) go to the model's program, which runs in its own folder; --dry_run
# prints the command lines. scripts/README.md: DEVICE_TARGET, LOG_DIR, PYTHON, STOP_GRACE.
# Arguments:
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/launch.sh" "${BASH_SOURCE[0]}" "$@"
