"""Predictors of images of any size (see media.Predictor).

Conventions
    Images are (H, W, 3) uint8 RGB. Disparity is the inverse of depth, in the training's unit.
"""

import cv2
import mindspore as ms
import numpy as np

from ..model_utils.batches import filled
from ..sfm_utils.points import depth_of
from ..transforms import network_input


class Network:
    """A network of one image or several; what it gives has the network's size.

    Args:
        cell: function of as many (B, 3, h, w), RGB 0..1, as a sample has images.
        height, width: pixels at the network.
        batch_size: samples that are predicted together.
    """

    def __init__(self, cell, height, width, batch_size=1):
        self.cell, self.size, self.batch_size = cell, (height, width), batch_size

    def batch(self, samples):
        """List of images, or of tuples of images -> list of float32 arrays, (1, h, w) or (1, 6)."""
        results = []
        for start in range(0, len(samples), self.batch_size):
            part = samples[start : start + self.batch_size]
            images = zip(*(one if isinstance(one, tuple) else (one,) for one in part))
            outputs = self.cell(*map(self._tensor, images)).numpy()
            results += list(np.float32(outputs[: len(part)]))
        return results

    def _tensor(self, images):
        planes = np.stack([network_input(image, *self.size) for image in images])
        return ms.Tensor(np.float32(filled(planes, self.batch_size)) / 255)


def enlarged(disparity, height, width):
    """A map (1, h, w) as (height, width): bilinear, half-pixel."""
    return cv2.resize(disparity[0], (width, height), interpolation=cv2.INTER_LINEAR)


class Enlarged:
    """A predictor of disparity whose maps (H, W) have their images' sizes.

    Args:
        network: Network of disparity.
    """

    def __init__(self, network):
        self.network, self.batch_size = network, network.batch_size

    def batch(self, images):
        """List of images -> list of (H, W) float32."""
        maps = self.network.batch(images)
        return [enlarged(one, *image.shape[:2]) for one, image in zip(maps, images)]


class Depths:
    """A predictor of depth (H, W) in metres.

    Args:
        disparities: Enlarged.
        metric_scale: metres per unit of depth.
    """

    def __init__(self, disparities, metric_scale):
        self.disparities, self.batch_size = disparities, disparities.batch_size
        self.metric_scale = metric_scale

    def batch(self, images):
        """List of images -> list of (H, W) float32."""
        maps = self.disparities.batch(images)
        return [depth_of(one, "disparity", self.metric_scale) for one in maps]
