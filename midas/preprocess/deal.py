"""The zoo's name for prepare/deal.py, which runs here with the same arguments."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[1] / "prepare" / "deal.py"), run_name="__main__")
