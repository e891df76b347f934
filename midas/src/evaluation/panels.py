"""Panels of evaluation results: image, prediction and ground truth side by side."""

import math
from pathlib import Path

import cv2
import numpy as np

from ..metrics import align
from ..model_utils.images import colorize, value_range, write_png
from ..model_utils.panels import panel, worst_and_best
from ..model_utils.report import Picture

_RED = (255, 0, 0)


def write_panels(folder, evaluator, dataset, rows, count):
    """Write the worst and the best images of one dataset as <dataset>_<worst|best><n>.png.

    Args:
        folder: where to; it is made.
        evaluator: Evaluator, which predicts the chosen images again.
        rows: the Report's; `count` is how many of each end.
    """
    errors = [row.score.value for row in rows]
    for word, place, number in worst_and_best(errors, count):
        picture = picture_of(dataset, *evaluator.predict_one(dataset, rows[number].index))
        path = Path(folder) / f"{dataset.title}_{word}{place + 1}.png"
        write_png(path, panel(*picture))


def picture_of(dataset, sample, prediction):
    """Picture of an image, its prediction and, but for DIW's points, its ground truth."""
    draw = _order_picture if sample.order else _depth_picture
    return draw(dataset, sample, prediction)


def shown_image(dataset, sample, shape):
    """The image as RGB at the size of the maps."""
    swapped = dataset.bgr_by_mistake and not dataset.protocol.rgb
    image = np.ascontiguousarray(sample.image[..., ::-1] if swapped else sample.image)
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)


def _depth_picture(dataset, sample, prediction):
    """Disparities in 1/m on one scale, the prediction aligned to the ground truth."""
    mask = sample.mask
    truth = 1 / np.where(mask, sample.depth, np.nan)
    scale, shift = align(prediction, truth, mask)
    low, high = value_range(truth)
    tiles = [
        ("image", _wide(shown_image(dataset, sample, mask.shape))),
        ("prediction", _wide(colorize(scale * prediction + shift, low, high))),
        ("ground truth", _wide(colorize(truth, low, high))),
    ]
    return Picture(tiles, low, high, "1/m")


def _order_picture(dataset, sample, prediction):
    """The prediction beside the image with its two points; the nearer one is marked N."""
    y_a, x_a, y_b, x_b = sample.order.points
    image = shown_image(dataset, sample, prediction.shape)
    names = ("N", "F") if sample.order.relation == ">" else ("F", "N")
    for name, place in zip(names, ((x_a, y_a), (x_b, y_b))):
        cv2.drawMarker(image, place, _RED, cv2.MARKER_CROSS, 9, 1)
        cv2.putText(image, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _RED, 1, cv2.LINE_AA)
    low, high = value_range(prediction)
    # The name stands in the title: beside the legend's numbers it would cover the colours.
    tiles = [("image", _wide(image)), ("inverse depth", _wide(colorize(prediction, low, high)))]
    return Picture(tiles, low, high, "")


def _wide(image, width=160):
    """Enlarge a small tile: its title and the legend need room."""
    factor = math.ceil(width / image.shape[1])
    return image.repeat(factor, 0).repeat(factor, 1)
