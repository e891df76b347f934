"""MiDaS beside the best constant.

    python -m scripts.quickstart.compare_midas VAL_JSON [flags of eval.py]

Both are scored by the evaluation's own code on the data sets that VAL_JSON holds. Exit 1 unless
the network's error, as a share of the constant's and averaged over the data sets, is at least 25 %
lower, and on none of them higher. The column "mean map", the mean of all training targets, says how
much the place in the image alone explains.
"""

import json
import sys
from pathlib import Path

import numpy as np

from midas.src.datasets.training import MixedPairs, training_pairs
from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS, dataset_root
from midas.src.evaluation.evaluator import Evaluator
from midas.src.evaluation.rivals import rival_errors
from midas.src.metrics import METRICS
from midas.src.model_utils.config import load_config

from ..launching.arguments import ROOT
from .comparison import print_table, verdict

CONFIG = ROOT / "midas" / "config.yaml"


def mean_map(data):
    """(h, w) float64: the mean target of each pixel over the training images.

    Args:
        data: MixedPairs.
    """
    total = count = 0
    for index in range(len(data)):
        sample = data.load(index, np.random.default_rng(index))
        total = total + sample["mask"] * np.float64(sample["depth"])
        count = count + sample["mask"]
    return total / np.maximum(count, 1)


def opened(config):
    """(MixedPairs of the training, Evaluator) as the configuration says."""
    image = {"size": (config.img_width, config.img_height)}
    image |= {"mean": config.nm_img_mean, "std": config.nm_img_std}
    lists = {"mixdata": config.mixdata, "train_list": config.train_list}
    pairs = training_pairs(config.train_data_dir, **lists)
    target = {"mask_invalid": config.mask_invalid, "flip_probability": config.flip_probability}
    data = MixedPairs(pairs, **image, **target)
    return data, Evaluator(PROTOCOLS[config.eval_protocol], **image)


def main(val_json, flags=()):
    """Print the table, return the exit status.

    Args:
        val_json: what eval.py wrote.
        flags: list of words, the ones that eval.py was called with.
    """
    config = load_config(CONFIG, flags)
    network = json.loads(Path(val_json).read_text())
    data, evaluator = opened(config)
    average, columns, gains = mean_map(data), {}, {}
    for title in network:
        place = getattr(config, f"datapath_{title}")
        root, _ = dataset_root(title, place, config.train_data_dir)
        dataset = DATASETS[title](root, evaluator.protocol)
        errors = {**rival_errors(evaluator, dataset, average), "network": network[title]}
        for heading, value in errors.items():
            name = f"{title} {METRICS[dataset.metric][0]}"
            columns.setdefault(heading, {})[name] = value
        gains[title] = 1 - errors["network"] / errors["constant"]
    print_table(columns["network"], columns)
    worse = [title for title, gain in gains.items() if gain < 0]
    if worse:
        print(f"worse than the constant: {' '.join(worse)}")
    status = verdict("on the mean of the data sets the network's error", np.mean([*gains.values()]))
    return 1 if worse else status


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
