"""Training pairs on disk, made by hand."""

import cv2
import numpy as np

from midas.src.datasets.training import training_pairs


def write_pair(root, name, value=100, shape=(20, 30), depth_shape=None):
    """<root>/Imgs/<name>.jpg in one grey and <root>/RDs/<name>.png with 0 in its left half."""
    image, depth = root / "Imgs" / f"{name}.jpg", root / "RDs" / f"{name}.png"
    for path in (image, depth):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), np.full((*shape, 3), value, np.uint8))
    target = np.full(depth_shape or shape, 200, np.uint8)
    target[:, : target.shape[1] // 2] = 0
    cv2.imwrite(str(depth), target)
    return image, depth


def read_pairs(root, **options):
    """training_pairs of a folder with mixdata.json."""
    return training_pairs(root, **{"mixdata": "mixdata.json", **options})
