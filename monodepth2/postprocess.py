"""Score the 310's results: python postprocess.py --mindir depth.mindir"""

from src.ascend310 import graph_facts, score_results, write_metrics
from src.model_utils.program import run


def main(config):
    """Print the metrics of Eigen's test set and write them to result_file."""
    split, facts = config.eval_split, graph_facts(config.mindir)
    metrics, lines = score_results(split, config.split_dir, config.result_path, facts)
    print("\n".join(lines))
    write_metrics(config.result_file, split, metrics)
    print(f"wrote {config.result_file}")


if __name__ == "__main__":
    run(main, __doc__)
