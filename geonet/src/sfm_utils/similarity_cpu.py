"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Similarity on CPU; see planes_cpu. The formulas are those of similarity.py; the gradient recomputes
what it needs.
"""

from __future__ import annotations

import cv2
import numpy as np
from mindspore import nn, ops

from .planes_cpu import Scratch, blocks, first_of, for_images, sign_in_place

_C1, _C2 = np.float32(0.01**2), np.float32(0.03**2)
_ONES, _NINTHS = np.ones(3, np.float32), np.full(3, 1 / 9, np.float32)


class CpuSimilarity(nn.Cell):
    """See `similarity.Similarity`.

    Args:
        is_reflect, share: see `Comparison`.
    """

    def __init__(self, is_reflect: bool, share: float):
        super().__init__()
        self.is_reflect, self.share = is_reflect, share
        self.forward = ops.Custom(self._values, _map_shape, first_of, "pyfunc")
        self.backward = ops.Custom(self._gradients, _image_shape, first_of, "pyfunc")

    def construct(self, target, image):
        """(B, C, H, W), (K B, C, H, W) -> (K B, 1, H, W)."""
        return self.forward(target, image)

    def bprop(self, target, image, out, dout):
        return ops.zeros_like(target), self.backward(target, image, dout)

    def _values(self, target, image):
        values = np.empty(_map_shape(target.shape, image.shape), np.float32)
        comparison = Comparison(self.is_reflect, self.share)

        def fill(part, within):
            comparison.compute(target[within], image[part], Scratch(), values[part])

        for_images(fill, image.shape, len(target))
        return values

    def _gradients(self, target, image, dout):
        gradients, comparison = np.empty_like(image), Comparison(self.is_reflect, self.share)

        def fill(part, within):
            both = target[within], image[part]
            comparison.compute(*both, Scratch(), None, dout[part], gradients[part])

        for_images(fill, image.shape, len(target))
        return gradients


class Comparison:
    """Mean over channels of share * (1 - SSIM) / 2 + (1 - share) * absolute difference.

    Args:
        is_reflect: whether windows are mirrored at the border; else they end there.
        share: of the structural similarity.
    """

    def __init__(self, is_reflect: bool, share: float):
        self.is_reflect = is_reflect
        self.share, self.rest = np.float32(share), np.float32(1 - share)

    def compute(
        self,
        target: np.ndarray,
        image: np.ndarray,
        scratch: Scratch,
        values: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        gradient: np.ndarray | None = None,
    ) -> None:
        """Compare a few images (N, C, H, W).

        Args:
            values: (N, 1, H, W) to write the measure to.
            weights: (N, 1, H, W); the gradient is that of sum(weights * values).
            gradient: (N, C, H, W) to write the image's gradient to.
        """
        channels, shares = image.shape[1], None
        if weights is not None:
            shares = self._shares(weights, channels, scratch)
        if values is not None:
            values[...] = 0
        for block in blocks(channels, image[:, 0].size):
            structure = _Structure(
                target[:, block], image[:, block], self.is_reflect, Scratch(scratch)
            )
            if shares is not None:
                structure.gradient(shares[0], gradient[:, block])
            if values is not None:
                self._add(structure, values)
            if shares is not None:
                sign = sign_in_place(structure.difference)
                sign *= shares[1]
                gradient[:, block] += sign
        if values is not None:
            values *= np.float32(1 / channels)

    def _shares(self, weights, channels, scratch):
        """Weights of each channel's SSIM, as `_Structure.gradient` takes them, and difference."""
        of_structure, of_difference = scratch.new(weights.shape), scratch.new(weights.shape)
        np.multiply(weights, np.float32(1 / channels), out=of_structure)
        np.multiply(of_structure, self.rest, out=of_difference)
        of_structure *= -self.share / 2
        for plane in of_structure[:, 0]:
            _weigh_border(plane, 1 / _border_weight(self.is_reflect))
        return of_structure, of_difference

    def _add(self, structure, values):
        """Add the measure of some channels; `ssim` and `work` are overwritten."""
        value = structure.ssim
        value *= -self.share / 2
        value += self.share / 2
        np.maximum(value, 0, out=value)
        np.minimum(value, self.share, out=value)
        difference = np.abs(structure.difference, out=structure.work)
        difference *= self.rest
        value += difference
        for channel in range(value.shape[1]):
            values[:, 0] += value[:, channel]


class _Structure:
    """SSIM = A B / (C D) of two blocks (N, C, H, W), and `ratio` = 2 / (C D).

    A = 2 mean mean' + C1, B = 2 covariance + C2, C = A + (mean - mean')^2, and D = B + the variance
    of the difference, which is more exact than the sum of both variances.
    """

    def __init__(self, target, image, is_reflect, scratch):
        self.target, self.image, self.is_reflect = target, image, is_reflect
        memory = [scratch.new(image.shape) for _ in range(10)]
        self.work, self.ssim, self.a, self.b, self.c, self.d, self.ratio, *means = memory
        self.target_mean, self.mean, self.difference = means
        self._means(target, self.target_mean)
        self._means(image, self.mean)
        np.multiply(self.target_mean, self.mean, out=self.a)
        self.a *= 2
        self._means(np.multiply(target, image, out=self.work), self.b)
        self.b *= 2
        self.b -= self.a
        self.a += _C1
        self.b += _C2
        np.subtract(image, target, out=self.difference)
        self._means(np.multiply(self.difference, self.difference, out=self.work), self.d)
        np.subtract(self.target_mean, self.mean, out=self.c)
        self.c *= self.c
        self.d -= self.c
        self.c += self.a
        self.d += self.b
        np.multiply(self.c, self.d, out=self.ratio)
        np.divide(np.float32(2), self.ratio, out=self.ratio)
        np.multiply(self.a, self.b, out=self.ssim)
        self.ssim *= self.ratio
        self.ssim *= 0.5

    def gradient(self, weights, out):
        """Write the gradient of sum(weights * SSIM) for the image.

        The matrix of the windows' means, transposed, is itself between two diagonal ones: what
        `_border_weight` says, and before it the inverse, which the weights bring along.
        """
        self.ratio *= weights
        of_mean = np.subtract(self.b, self.a, out=self.work)
        of_mean *= self.target_mean
        self.mean *= self.ssim
        self.mean *= np.subtract(self.d, self.c, out=self.d)
        of_mean -= self.mean
        of_mean *= self.ratio
        self._means(of_mean, out)
        of_square = np.multiply(self.c, self.ssim, out=self.c)
        of_square *= self.ratio
        out -= np.multiply(self._means(of_square, self.d), self.image, out=self.d)
        of_product = np.multiply(self.a, self.ratio, out=self.a)
        out += np.multiply(self._means(of_product, self.b), self.target, out=self.b)
        for plane in _planes(out):
            _weigh_border(plane, _border_weight(self.is_reflect))

    def _means(self, planes, out):
        """Of 3 x 3 windows."""
        border = cv2.BORDER_REFLECT_101 if self.is_reflect else cv2.BORDER_CONSTANT
        for plane, means in zip(_planes(planes), _planes(out)):
            cv2.sepFilter2D(plane, -1, _ONES, _NINTHS, dst=means, borderType=border)
            if not self.is_reflect:
                _weigh_border(means, np.float32(3 / 2))
        return out


def _planes(block):
    """Each (H, W) of a block as a view: to reshape a part of the channels would copy them."""
    return (plane for image in block for plane in image)


def _border_weight(is_reflect):
    return np.float32(1 / 2 if is_reflect else 2 / 3)


def _weigh_border(plane, factor):
    """Multiply the outermost rows and columns."""
    height, width = plane.shape
    plane[:: height - 1] *= factor
    plane[:, :: width - 1] *= factor


def _map_shape(target, image):
    batch, _, height, width = image
    return batch, 1, height, width


def _image_shape(target, image, dout):
    return image
