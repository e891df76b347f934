"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Smoothness on CPU; see planes_cpu. The gradient is computed along with the value.
"""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from .planes_cpu import Scratch, blocks, for_images, sign_in_place


class CpuSmoothness(nn.Cell):
    """See `smoothness.Smoothness`."""

    def __init__(self):
        super().__init__()
        self.forward = ops.Custom(self._value, _shapes, _types, "pyfunc")

    def construct(self, values, image):
        """(B, C, H, W), (B, 3, H, W) -> (the smoothness, (1,); its gradient, (B, C, H, W))."""
        return self.forward(values, image)

    def bprop(self, values, image, out, dout):
        return out[1] * dout[0], ops.zeros_like(image)

    def _value(self, values, image):
        gradient, totals = np.zeros_like(values), np.zeros(len(values))

        def fill(part, within):
            totals[part.start] = smoothness(values[part], image[part], gradient[part], len(values))

        for_images(fill, values.shape, len(values))
        return np.float32([totals.sum()]), gradient


def smoothness(
    values: np.ndarray, image: np.ndarray, gradient: np.ndarray, count: int
) -> np.float64:
    """What some of `count` maps (N, C, H, W) add to the smoothness.

    Args:
        image: (N, 3, H, W).
        gradient: (N, C, H, W) that the gradient is added to.
    """
    total = 0.0
    for block in blocks(len(values), values[0].size):
        for axis in (2, 3):
            total += _along(values[block], image[block], gradient[block], axis, count)
    return total


def _along(values, image, gradient, axis, count):
    """What the neighbours along an axis of some of `count` images (N, C, H, W) add to the mean.

    Args:
        gradient: (N, C, H, W) that the gradient is added to.
    """
    begin, end = (slice(None),) * axis + (slice(-1),), (slice(None),) * axis + (slice(1, None),)
    shape, scratch = values[begin].shape, Scratch()
    difference, weighted = scratch.new(shape), scratch.new(shape)
    weight, change = (scratch.new((shape[0], 1, *shape[2:])) for _ in range(2))
    weight[...] = 0
    for channel in range(image.shape[1]):
        plane = image[:, channel : channel + 1]
        np.subtract(plane[begin], plane[end], out=change)
        weight += np.abs(change, out=change)
    weight *= np.float32(-1 / image.shape[1])
    np.exp(weight, out=weight)
    weight *= np.float32(1 / (count * np.prod(shape[1:])))
    np.subtract(values[begin], values[end], out=difference)
    np.multiply(difference, weight, out=weighted)
    total = np.abs(weighted, out=weighted).sum(dtype=np.float64)
    slope = sign_in_place(difference)
    slope *= weight
    gradient[begin] += slope
    gradient[end] -= slope
    return total


def _shapes(values, image):
    return (1,), values


def _types(values, image):
    return values, values
