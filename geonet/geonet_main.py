"""The original's name for train.py (--mode train_*) and eval.py (--mode test_*), as --mode says."""

import runpy
import sys
from pathlib import Path

_PROGRAMS = {"train": "train.py", "test": "eval.py", "eval": "eval.py"}


def mode_of(words):
    """The mode that a command line names, --mode x or --mode=x, the last one; "" without any."""
    mode = ""
    for word, following in zip(words, [*words[1:], ""]):
        if word == "--mode":
            mode = following
        elif word.startswith("--mode="):
            mode = word.partition("=")[2]
    return mode


if __name__ == "__main__":
    mode = mode_of(sys.argv[1:])
    program = _PROGRAMS.get(mode.partition("_")[0])
    if program is None:
        given = f"unknown mode {mode!r}" if mode else "mode is missing"
        known = "train_rigid, train_flow, test_depth, test_pose, test_flow"
        print(f"error: {given}; give --mode, one of {known}", file=sys.stderr)
        sys.exit(2)
    runpy.run_path(str(Path(__file__).with_name(program)), run_name="__main__")
