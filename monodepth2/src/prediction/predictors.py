"""Predictors of images of any size (see media.Predictor).

Conventions
    Images are (H, W, 3) uint8 RGB. Disparity is the inverse of depth, in the training's unit.
"""

import cv2
import mindspore as ms
import numpy as np

from ..model_utils.batches import Prepared, batched, filled
from ..sfm_utils.points import depth_of
from ..transforms import network_input


class Network(Prepared):
    """A network of one image or several; what it gives has the network's size.

    Args:
        cell: function of as many (B, 3, h, w), RGB 0..1, as a sample has images.
        height, width: pixels at the network.
        batch_size: samples that are predicted together.
    """

    def __init__(self, cell, height, width, batch_size=1):
        self.cell, self.size, self.batch_size = cell, (height, width), batch_size

    def prepare(self, sample):
        """An image, or a tuple of images -> their planes at the network."""
        images = sample if isinstance(sample, tuple) else (sample,)
        return [network_input(image, *self.size) for image in images]

    def predict(self, prepared):
        """List of prepared samples -> list of float32 arrays, (1, h, w) or (1, 6)."""
        results = []
        for part in batched(prepared, self.batch_size):
            outputs = self.cell(*map(self._tensor, zip(*part))).numpy()
            results += list(np.float32(outputs[: len(part)]))
        return results

    def _tensor(self, planes):
        return ms.Tensor(np.float32(filled(np.stack(planes), self.batch_size)) / 255)


def enlarged(disparity, height, width):
    """A map (1, h, w) as (height, width): bilinear, half-pixel."""
    return cv2.resize(disparity[0], (width, height), interpolation=cv2.INTER_LINEAR)


class Enlarged(Prepared):
    """A predictor of disparity whose maps (H, W) have their images' sizes.

    Args:
        network: Network of disparity.
    """

    def __init__(self, network):
        self.network, self.batch_size = network, network.batch_size

    def prepare(self, image):
        """An image -> (what the network takes of it, (H, W))."""
        return self.network.prepare(image), image.shape[:2]

    def predict(self, prepared):
        """List of prepared images -> list of (H, W) float32."""
        seen, sizes = zip(*prepared)
        return [enlarged(one, *size) for one, size in zip(self.network.predict(seen), sizes)]


class Depths(Prepared):
    """A predictor of depth (H, W) in metres.

    Args:
        disparities: Enlarged.
        metric_scale: metres per unit of depth.
    """

    def __init__(self, disparities, metric_scale):
        self.disparities, self.batch_size = disparities, disparities.batch_size
        self.metric_scale, self.prepare = metric_scale, disparities.prepare

    def predict(self, prepared):
        """List of prepared images -> list of (H, W) float32."""
        maps = self.disparities.predict(prepared)
        return [depth_of(one, "disparity", self.metric_scale) for one in maps]
