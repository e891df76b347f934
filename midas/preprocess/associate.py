"""The zoo's name for prepare/associate.py, which runs here with the same arguments."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[1] / "prepare" / "associate.py"), run_name="__main__")
