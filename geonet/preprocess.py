"""Prepare the 310's images: python preprocess.py --dataset_dir KITTI --mindir depth.mindir"""

from src.ascend310 import graph_size, open_data, write_inputs
from src.model_utils.program import run


def main(config):
    """Write the images of a depth test set as .bin files of the graph's size below bin_path."""
    size = graph_size(config.mindir)
    test = open_data(config.dataset_dir, config.depth_test_split, config.split_dir)
    write_inputs(test, config.bin_path, size)


if __name__ == "__main__":
    run(main, __doc__)
