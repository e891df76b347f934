"""The Paddle port's name for infer.py, which runs here with the same arguments."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).with_name("infer.py")), run_name="__main__")
