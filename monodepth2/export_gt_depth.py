"""The original's name for prepare/export_gt_depth.py, which runs here with the same arguments."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parent / "prepare" / "export_gt_depth.py"), run_name="__main__")
