"""The original's name for eval.py --mode eval_flow, which runs here with the same arguments."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    program = str(Path(__file__).resolve().parents[1] / "eval.py")
    os.execv(sys.executable, [sys.executable, program, "--mode=eval_flow", *sys.argv[1:]])
