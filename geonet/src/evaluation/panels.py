"""The worst and the best images of a test set: image, prediction, ground truth, error."""

from pathlib import Path

import numpy as np

from ..model_utils.images import read_rgb, write_png
from ..model_utils.panels import worst_and_best
from ..model_utils.report import Picture
from ..sfm_utils.flow_evaluation import resize_flow
from ..sfm_utils.flow_files import flow_colors
from ..sfm_utils.report_parts import dots, in_two_rows, sized

_MOST_ERROR = 10  # pixels of flow at the end of the colours


def write_panels(panels, picture, errors):
    """Write the images with the worst and the best errors as <worst|best><n>.png.

    Args:
        panels: (how many of each, folder).
        picture: function of an image's place -> Picture of four tiles.
        errors: one per image.
    """
    count, folder = panels
    for word, place, number in worst_and_best(errors, count):
        write_png(Path(folder) / f"{word}{place + 1}.png", in_two_rows(picture(number)))


def flow_picture(path, predicted, target, valid):
    """Picture of an image, its predicted and its true flow, and the error.

    Args:
        path: of the image.
        predicted: (h, w, 2).
        target: (H, W, 2).
        valid: (H, W) bool.
    """
    predicted = np.float32(resize_flow(predicted, *target.shape[:2]))
    longest = float(np.sqrt((target[valid] ** 2).sum(-1)).max())
    error = np.where(valid, np.sqrt(((predicted - target) ** 2).sum(-1)), 0)
    tiles = [
        ("image", read_rgb(path)),
        ("prediction", flow_colors(predicted, longest)),
        ("ground truth", flow_colors(np.where(valid[..., None], target, np.nan), longest)),
        (f"error, up to {_MOST_ERROR} pixels", dots(error, 0, _MOST_ERROR)),
    ]
    return Picture(sized(tiles, valid.shape), 0, _MOST_ERROR, "px")
