"""The worst and the best images of a test set: image, prediction, ground truth, error."""

from pathlib import Path

import cv2
import numpy as np

from ..model_utils.images import colorize, read_rgb, value_range, write_png
from ..model_utils.panels import panel, worst_and_best
from ..sfm_utils.depth_evaluation import resized_depth, valid_pixels

_WIDTH = 640  # pixels of a tile
_DOT = np.ones((3, 3), np.uint8)  # laser points are drawn larger than they are


def write_panels(folder, paths, disparities, targets, scores, protocol, count):
    """Write the worst and the best images as <worst|best><n>.png.

    Args:
        folder: where to; it is made.
        paths: of the images.
        disparities: (N, h, w).
        targets: ground truth maps (H, W), metres.
        scores: a DepthScore per image.
        protocol: DepthProtocol.
        count: how many of each end.
    """
    errors = [score.metrics["abs_rel"] for score in scores]
    for word, place, number in worst_and_best(errors, count):
        target, factor = targets[number], protocol.factor * scores[number].ratio
        depth = factor * resized_depth(disparities[number], target.shape, "disparity")
        drawn = _draw(read_rgb(paths[number]), depth, target, valid_pixels(target, protocol))
        write_png(Path(folder) / f"{word}{place + 1}.png", drawn)


def _draw(image, depth, target, mask):
    nearness, truth = 1 / depth, np.where(mask, 1 / np.where(mask, target, 1), 0)
    low, high = value_range(truth[mask])  # a bad prediction must not hide what it should be
    error = np.where(mask, np.abs(depth - target) / np.where(mask, target, 1), 0)
    tiles = [
        ("image", image),
        ("prediction", colorize(nearness, low, high)),
        ("ground truth", _dots(truth, low, high)),
        ("abs rel, up to 0.5", _dots(error, 0, 0.5)),
    ]
    height = round(_WIDTH * target.shape[0] / target.shape[1])
    sized = [(title, cv2.resize(tile, (_WIDTH, height))) for title, tile in tiles]
    rows = [panel(sized[:2], low, high, "1/m"), panel(sized[2:], low, high, "1/m")]
    return np.vstack(rows)


def _dots(values, low, high):
    """Sparse values, each as a dot; black where there is none."""
    wide = cv2.dilate(np.float32(values), _DOT)
    return np.where((wide > 0)[..., None], colorize(wide, low, high), np.uint8(0))
