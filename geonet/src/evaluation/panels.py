"""The worst and the best images of a test set: image, prediction, ground truth, error."""

from pathlib import Path

import cv2
import numpy as np

from ..model_utils.images import colorize, read_rgb, value_range, write_png
from ..model_utils.panels import panel, worst_and_best
from ..sfm_utils.depth_evaluation import resized_depth, valid_pixels
from ..sfm_utils.flow_evaluation import resize_flow
from ..sfm_utils.flow_files import flow_colors

_WIDTH = 640  # pixels of a tile
_DOT = np.ones((3, 3), np.uint8)  # laser points are drawn larger than they are
_MOST_ERROR = 10  # pixels of flow at the end of the colours


def write_depth_panels(panels, images, depths, test, scores):
    """Write the images with the worst and the best abs rel as <worst|best><n>.png.

    Args:
        panels: (how many of each, folder).
        images: paths.
        depths: (N, h, w), up to scale.
        test: EigenSet or StereoSet.
        scores: a DepthScore per image.
    """
    count, folder = panels
    errors = [score.metrics["abs_rel"] for score in scores]
    for word, place, number in worst_and_best(errors, count):
        target = test.target(number)
        depth = scores[number].ratio * resized_depth(depths[number], target.shape, "depth")
        mask = valid_pixels(target, test.protocol)
        drawn = _draw_depth(read_rgb(images[number]), depth, target, mask)
        write_png(Path(folder) / f"{word}{place + 1}.png", drawn)


def _draw_depth(image, depth, target, mask):
    truth = np.where(mask, 1 / np.where(mask, target, 1), 0)
    low, high = value_range(truth[mask])  # a bad prediction must not hide what it should be
    error = np.where(mask, np.abs(depth - target) / np.where(mask, target, 1), 0)
    tiles = [
        ("image", image),
        ("prediction", colorize(1 / depth, low, high)),
        ("ground truth", _dots(truth, low, high)),
        ("abs rel, up to 0.5", _dots(error, 0, 0.5)),
    ]
    return _arranged(tiles, target.shape, low, high, "1/m")


def write_flow_panels(panels, scenes, errors):
    """Write the scenes with the worst and the best end-point error as <worst|best><n>.png.

    Args:
        panels: (how many of each, folder).
        scenes: function of a scene's place -> (image's path, predicted flow (h, w, 2), true flow
            (H, W, 2), valid (H, W)).
        errors: an error per scene.
    """
    count, folder = panels
    for word, place, number in worst_and_best(errors, count):
        path, predicted, target, valid = scenes(number)
        drawn = _draw_flow(read_rgb(path), predicted, target, valid)
        write_png(Path(folder) / f"{word}{place + 1}.png", drawn)


def _draw_flow(image, predicted, target, valid):
    predicted = np.float32(resize_flow(predicted, *target.shape[:2]))
    longest = float(np.sqrt((target[valid] ** 2).sum(-1)).max())
    error = np.where(valid, np.sqrt(((predicted - target) ** 2).sum(-1)), 0)
    tiles = [
        ("image", image),
        ("prediction", flow_colors(predicted, longest)),
        ("ground truth", flow_colors(np.where(valid[..., None], target, np.nan), longest)),
        (f"error, up to {_MOST_ERROR} pixels", _dots(error, 0, _MOST_ERROR)),
    ]
    return _arranged(tiles, valid.shape, 0, _MOST_ERROR, "px")


def _arranged(tiles, shape, low, high, unit):
    """Four tiles in two rows."""
    height = round(_WIDTH * shape[0] / shape[1])
    sized = [(title, cv2.resize(tile, (_WIDTH, height))) for title, tile in tiles]
    return np.vstack([panel(sized[:2], low, high, unit), panel(sized[2:], low, high, unit)])


def _dots(values, low, high):
    """Sparse values, each as a dot; black where there is none."""
    wide = cv2.dilate(np.float32(values), _DOT)
    return np.where((wide > 0)[..., None], colorize(wide, low, high), np.uint8(0))
