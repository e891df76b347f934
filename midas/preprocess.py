"""Prepare the 310's images: python preprocess.py --dataset_path DATA --dataset_name Kitti"""

from pathlib import Path

from src.ascend310 import open_dataset, write_inputs
from src.datasets.zero_shot import PROTOCOLS
from src.model_utils.program import run


def main(config):
    """Write the images of dataset_name as .bin files below bin_path."""
    protocol = PROTOCOLS[config.eval_protocol]
    write_inputs(
        open_dataset(config.dataset_name, config.dataset_path, protocol),
        Path(config.bin_path) / config.dataset_name,
        size=(config.img_width, config.img_height),
        mean=config.nm_img_mean,
        std=config.nm_img_std,
    )


if __name__ == "__main__":
    run(main, __doc__)
