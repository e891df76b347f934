#!/usr/bin/env bash
# Train a model on one device, evaluate it, print the final metrics.
#
# In a model's folder the model's name may be left out. Waits for the run and returns its exit
# status; BACKGROUND=1 returns at once. Flags after the arguments (--batch_size 4) go to the
# model's program, which runs in its own folder; --dry_run prints the command lines.
# Environment variables: scripts/README.md.
# Arguments:
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/launching/launch.sh" launching "${BASH_SOURCE[0]}" "$@"
