#!/usr/bin/env bash
# Print what this host has of what an Ascend card needs, and what is missing: then the exit status is 2.
#   bash scripts/check_host.sh        PYTHON=/path/to/python checks that interpreter's packages
# Reads files and the environment only; needs no package but Python 3.9. See scripts/HOST_910.md and
# ascend310_infer/HOST_310.md.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/launching/launch.sh" launching.host "$@"
