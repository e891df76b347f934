"""What depth sensors miss of a perfect depth map."""

from __future__ import annotations

import cv2
import numpy as np


def kinect(depth, rng):
    """A structured-light camera: no depth in the shadow of edges, nor at a few scattered pixels.

    Args:
        depth: (H, W) float32, metres, 0 where there is none.
        rng: numpy Generator.

    Returns:
        (H, W) float32, 0 where nothing is measured.
    """
    near = cv2.erode(depth, np.ones((1, 5), np.uint8))
    shadow = depth - near > 0.1 * depth
    return np.where(shadow | (rng.random(depth.shape) < 0.01), np.float32(0), depth)


def laser(depth, rng, share=0.2, top=0.3):
    """A laser scanner on a car: a share of the pixels, none in the upper part of the image.

    Args:
        depth: (H, W) float32, metres, 0 where there is none.
        rng: numpy Generator.
        share: share of the pixels that is measured.
        top: share of the rows that lie above the scanner's highest beam.

    Returns:
        (H, W) float32, 0 where nothing is measured.
    """
    hit = rng.random(depth.shape) < share
    hit[: int(top * len(depth))] = False
    return np.where(hit, depth, np.float32(0))
