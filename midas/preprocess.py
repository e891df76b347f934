"""Evaluation pictures to .bin files for the 310: python preprocess.py --dataset_name Kitti"""

from src.bin_files import preprocess
from src.model_utils.config import run

if __name__ == "__main__":
    run(preprocess, __doc__)
