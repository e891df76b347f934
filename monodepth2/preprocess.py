"""Prepare the 310's images: python preprocess.py --data_path KITTI --mindir depth.mindir"""

from src.ascend310 import graph_facts, open_test_set, write_inputs
from src.model_utils.program import run


def main(config):
    """Write the images of Eigen's test set as .bin files of the graph's size below bin_path."""
    facts = graph_facts(config.mindir)
    test = open_test_set(config.eval_split, config.split_dir, config.data_path, False)
    write_inputs(test, config.bin_path, facts.height, facts.width)


if __name__ == "__main__":
    run(main, __doc__)
