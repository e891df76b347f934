"""Score the 310's results: python postprocess.py --dataset_dir KITTI --mindir depth.mindir"""

from src.ascend310 import graph_size, open_data, score_results
from src.model_utils.program import run


def main(config):
    """Print the metrics of a depth test set as eval.py does, and write them to result_file."""
    size = graph_size(config.mindir)
    split = config.depth_test_split, config.split_dir
    test = open_data(config.dataset_dir, *split, (config.min_depth, config.max_depth))
    score_results(test, config.result_path, size, config.result_file)


if __name__ == "__main__":
    run(main, __doc__)
