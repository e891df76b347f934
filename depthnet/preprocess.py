"""Prepare NYU's test images for the 310 program: python preprocess.py --dataset_path NYU/Test"""

from src.ascend310 import write_inputs
from src.datasets import NyuTest
from src.model_utils.program import run


def main(config):
    """Write images and labels as .bin files below output_path."""
    data = NyuTest(config.dataset_path, config.mask_invalid, config.skip_bad_samples)
    write_inputs(data, config.output_path)


if __name__ == "__main__":
    run(main, __doc__)
