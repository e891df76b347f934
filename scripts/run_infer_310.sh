#!/usr/bin/env bash
# Predict a test set with exported graphs on an Ascend 310, and score the results.
#
# In a model's folder the model's name may be left out. Four stages, each with its log (build.log,
# preprocess.log, infer.log, postprocess.log): build the program where its sources changed, write
# the images as .bin files, run the graphs, score the results. Leaves preprocess_Result/,
# result_Files/, time_Result/, acc.log and, except for depthnet, result_val.json here.
# Flags after the arguments (--formats png) go to the program (its --help); --dry_run prints the
# commands. Environment: DEVICE_TARGET=Ascend310|Ascend310P|CPU, LITE_HOME, PYTHON.
# Arguments:
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/launching/launch.sh" serving "${BASH_SOURCE[0]}" "$@"
