"""Score the 310's results: python postprocess.py --data_path KITTI --mindir depth.mindir"""

from src.ascend310 import graph_facts, open_test_set, score_results
from src.model_utils.program import run


def main(config):
    """Print the metrics of Eigen's test set as eval.py does, and write them to result_file."""
    facts = graph_facts(config.mindir)
    test = open_test_set(config.eval_split, config.split_dir, config.data_path, True)
    score_results(test, config.result_path, facts, config.result_file)


if __name__ == "__main__":
    run(main, __doc__)
