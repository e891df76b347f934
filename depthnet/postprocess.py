"""Score the 310 program's results: python postprocess.py --result_path result_Files"""

from src.ascend310 import score_results
from src.metrics import format_metrics
from src.model_utils.files import write_bytes
from src.model_utils.program import run


def main(config):
    """Print the averages and write them to acc_log."""
    average = score_results(config.result_path, config.label_file, config.mask_invalid)
    text = f"average test accuracy:\n{format_metrics(average)}\n"
    print(text, end="")
    write_bytes(config.acc_log, text.encode())


if __name__ == "__main__":
    run(main, __doc__)
