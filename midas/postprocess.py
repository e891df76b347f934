"""Score the 310's results: python postprocess.py --dataset_path DATA --dataset_name Kitti"""

import json

from src.ascend310 import open_dataset, score_results
from src.datasets.zero_shot import PROTOCOLS
from src.metrics import METRICS
from src.model_utils.files import write_bytes
from src.model_utils.program import run


def main(config):
    """Print the mean and write it to result_file.

    eval_protocol modelzoo also takes Sintel's pixels up to 80 m, as the original does here.
    """
    name, protocol = config.dataset_name, PROTOCOLS[config.eval_protocol]
    dataset = open_dataset(name, config.dataset_path, protocol)
    if name == "Sintel" and config.eval_protocol == "modelzoo":
        dataset.mask_cap = 80
    size = config.img_width, config.img_height
    value, left_out = score_results(dataset, config.result_path, size)
    for image in left_out:
        print(f"left out, no valid pixel: {image}")
    label, form = METRICS[dataset.metric]
    print(f"{name} {label}: {value:{form}}  ({len(dataset)} images)")
    write_bytes(config.result_file, json.dumps({name: value}).encode())
    print(f"wrote {config.result_file}")


if __name__ == "__main__":
    run(main, __doc__)
