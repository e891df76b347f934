"""Predictions that look at no image, scored as a network's are."""

import numpy as np

from ..model_utils.rivals import CONSTANT, MEAN_MAP, MeanMap
from .evaluator import mean_of, resize_prediction, score_sample

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


def mean_inverse_depth(evaluator, dataset, indices):
    """(h, w) float32: the mean inverse depth of each place in a data set; None without depth.

    Args:
        evaluator: Evaluator; it prepares the samples, nothing is predicted.
        dataset: of datasets.zero_shot.
        indices: of the images to take.
    """
    mean = MeanMap()
    for index in indices:
        sample, _ = evaluator.prepare(dataset, index)
        if sample.order:
            return None
        mean.add(1 / np.where(sample.mask, sample.depth, 1), sample.mask)
    return mean.mean()


def rival_errors(evaluator, dataset, average, indices=None):
    """{rival: error}: the metric of the two rivals on one data set.

    Args:
        evaluator: Evaluator; it prepares the samples, nothing is predicted.
        dataset: of datasets.zero_shot.
        average: (h, w) inverse depth, or None: there is no mean map.
        indices: of the images to take; None: all.
    """
    scores = {MEAN_MAP: [], CONSTANT: []}
    for index in range(len(dataset)) if indices is None else indices:
        sample, _ = evaluator.prepare(dataset, index)
        name = dataset.name(index)
        if average is not None:
            width, height = sample.order.size if sample.order else sample.depth.shape[::-1]
            guess = resize_prediction(average, height, width, evaluator.protocol.half_pixel)
            scores[MEAN_MAP].append((name, score_sample(dataset, sample, guess)))
        if not sample.order:
            scores[CONSTANT].append((name, score_sample(dataset, sample, constant_fit(sample))))
    protocol = evaluator.protocol
    means = {key: mean_of(dataset, rows, protocol)[0] for key, rows in scores.items() if rows}
    return {CONSTANT: COIN, **means}
