"""The original's path of the program of that name in prepare/; arguments are handed on."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    file = Path(__file__).resolve()
    program = str(file.parents[1] / "prepare" / file.name)
    os.execv(sys.executable, [sys.executable, program, *sys.argv[1:]])
