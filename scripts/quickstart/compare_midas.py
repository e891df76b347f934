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
from midas.src.evaluation.evaluator import (
    Evaluator,
    mean_of,
    resize_prediction,
    score_sample,
)
from midas.src.metrics import METRICS
from midas.src.model_utils.config import load_config

from ..launching.arguments import ROOT
from .comparison import print_table, verdict

CONFIG = ROOT / "midas" / "config.yaml"
# A constant orders no two points: the metric calls that wrong, a coin is right half the time.
COIN = 0.5


def constant_fit(sample):
    """A map whose alignment is the best constant in disparity: scale 0, shift the mean disparity.

    The training loss aligns every constant alike, so that any of them minimises it. A constant map
    itself leaves scale and shift undetermined, which the evaluation answers with 1 / cap: too bad a
    rival. This map is made uncorrelated with the truth instead, so that only the shift is left.

    Args:
        sample: of an evaluation data set with depth and mask.
    Returns:
        (H, W) float64.
    """
    disparity = 1 / sample.depth[sample.mask].astype(np.float64)
    known = np.stack([np.ones_like(disparity), disparity], axis=1)
    pattern = np.resize([1.0, -1.0], disparity.shape)
    values = np.zeros(sample.depth.shape)
    values[sample.mask] = pattern - known @ np.linalg.lstsq(known, pattern, rcond=None)[0]
    return values


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


def rival_errors(evaluator, dataset, average):
    """{"constant": ..., "mean map": ...}: the metric of the two rivals on one data set.

    Args:
        evaluator: Evaluator; it prepares the samples, nothing is predicted.
        dataset: of midas.src.datasets.zero_shot.
        average: from mean_map.
    """
    scores = {"constant": [], "mean map": []}
    for index in range(len(dataset)):
        sample, _ = evaluator.prepare(dataset, index)
        name = dataset.name(index)
        width, height = sample.order.size if sample.order else sample.depth.shape[::-1]
        guess = resize_prediction(average, height, width, evaluator.protocol.half_pixel)
        scores["mean map"].append((name, score_sample(dataset, sample, guess)))
        if not sample.order:
            scores["constant"].append((name, score_sample(dataset, sample, constant_fit(sample))))
    protocol = evaluator.protocol
    means = {key: mean_of(dataset, rows, protocol)[0] for key, rows in scores.items() if rows}
    return {"constant": COIN, **means}


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
