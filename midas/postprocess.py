"""Metric of the 310's result files: python postprocess.py --dataset_name Kitti"""

from src.bin_files import postprocess
from src.model_utils.config import run

if __name__ == "__main__":
    run(postprocess, __doc__)
