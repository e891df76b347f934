#!/usr/bin/env bash
# Train a model on several cards, on one host or many, with gradients averaged over them.
# RANK_TABLE_FILE (Ascend; scripts/make_rank_table.py writes one): one process for each card of this
# host; run it on every host. DEVICE_NUM: that many workers on this host through msrun.
#
# Waits for the run and returns its exit status; BACKGROUND=1 returns at once. Flags behind the
# arguments (--batch_size 4) go to the model's program, which runs in its own folder; --dry_run
# prints the command lines. scripts/README.md: DEVICE_TARGET, LOG_DIR, PYTHON, STOP_GRACE.
# Arguments:
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/launch.sh" "${BASH_SOURCE[0]}" "$@"
