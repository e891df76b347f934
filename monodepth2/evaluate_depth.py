"""The original's name for eval.py, which runs here with the same arguments."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).with_name("eval.py")), run_name="__main__")
