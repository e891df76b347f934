"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Similarity on CPU: numpy, one plane at a time, so that what lies between stays in the cache.

MindSpore's CPU kernels pass through memory once for each operation, about seventy times for the
measure and its gradient. Here a plane (one channel of one image) goes through all of them at once.
MindSpore calls these functions through ops.Custom, on the arrays themselves, without a copy. The
formulas are those of similarity.py; the gradient recomputes what it needs.
`python -m tests.benchmarks.bench_sfm` times both.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from mindspore import nn, ops

_C1, _C2 = np.float32(0.01**2), np.float32(0.03**2)
# MindSpore binds the thread that calls these functions to one core; new threads would inherit it.
_CORES = os.sched_getaffinity(0)
POOL = ThreadPoolExecutor(len(_CORES), initializer=os.sched_setaffinity, initargs=(0, _CORES))


class CpuWindowMean(nn.Cell):
    """Means over 3 x 3 windows of what needs no gradient; see similarity.WindowMean."""

    def __init__(self, is_reflect: bool):
        super().__init__()
        self.is_reflect = is_reflect
        self.forward = ops.Custom(self._means, _same, _same, "pyfunc")

    def construct(self, image):
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.forward(image)

    def bprop(self, image, out, dout):
        return (ops.zeros_like(image),)

    def _means(self, image):
        means = np.empty_like(image)
        for_each(
            lambda i: _Windows(image[i].shape, self.is_reflect).mean(image[i], means[i]), image
        )
        return means


class CpuSimilarity(nn.Cell):
    """Mean over channels of share * (1 - SSIM) / 2 + (1 - share) * absolute difference.

    Args:
        is_reflect: whether windows are mirrored at the border; else they end there.
        share: of the structural similarity.
    """

    def __init__(self, is_reflect: bool, share: float):
        super().__init__()
        self.is_reflect = is_reflect
        self.share, self.rest = np.float32(share), np.float32(1 - share)
        self.forward = ops.Custom(self._values, _map_shape, _first, "pyfunc")
        self.backward = ops.Custom(self._gradients, _first, _first, "pyfunc")

    def construct(self, target, target_mean, target_variance, image):
        """(B, C, H, W) four times -> (B, 1, H, W)."""
        return self.forward(target, target_mean, target_variance, image)

    def bprop(self, target, target_mean, target_variance, image, out, dout):
        zeros = ops.zeros_like(target)
        gradients = self.backward(target, target_mean, target_variance, image, dout)
        return zeros, zeros, zeros, gradients

    def _values(self, target, target_mean, target_variance, image):
        images = target, target_mean, target_variance, image
        values = np.empty_like(image)

        def fill(index):
            target, *_, image = planes = [each[index] for each in images]
            structure = _Structure(*planes, self.is_reflect)
            value = np.subtract(np.float32(0.5), structure.half, out=values[index])
            np.maximum(value, 0, out=value)
            np.minimum(value, 1, out=value)
            value *= self.share
            difference = np.subtract(target, image, out=structure.half)
            np.abs(difference, out=difference)
            difference *= self.rest
            value += difference

        for_each(fill, values)
        return values.mean(1, keepdims=True)

    def _gradients(self, target, target_mean, target_variance, image, dout):
        images = target, target_mean, target_variance, image
        dout = dout * np.float32(1 / images[0].shape[1])
        gradients = np.empty_like(images[0])

        def fill(index):
            target, *_, image = planes = [each[index] for each in images]
            weights = dout[index[0], 0]
            structure = _Structure(*planes, self.is_reflect)
            of_structure = structure.gradient(weights * self.share)
            gradient = np.subtract(image, target, out=gradients[index])
            np.sign(gradient, out=gradient)
            gradient *= weights
            gradient *= self.rest
            gradient += of_structure

        for_each(fill, gradients)
        return gradients


class _Windows:
    """Window means of planes (H, W), and memory for what is computed from them."""

    def __init__(self, shape, is_reflect):
        self.edge = np.float32(2 if is_reflect else 1)
        self.scale = np.float32(1 / 9) if is_reflect else 1 / balance(*shape, False)
        memory = iter(_memory(shape))
        self.new = memory.__next__
        self.rows = self.new()

    def mean(self, plane, out):
        rows, edge = self.rows, self.edge
        np.add(plane[:-2], plane[1:-1], out=rows[1:-1])
        rows[1:-1] += plane[2:]
        # As one line it takes a third of the time; the ends of the rows are written after it.
        line, sums = rows.ravel(), out.ravel()
        for end, inner in ((0, 1), (-1, -2)):
            rows[end] = plane[end] + edge * plane[inner]
        np.add(line[:-2], line[1:-1], out=sums[1:-1])
        sums[1:-1] += line[2:]
        for end, inner in ((0, 1), (-1, -2)):
            out[:, end] = rows[:, end] + edge * rows[:, inner]
        out *= self.scale
        return out


class _Structure:
    """SSIM = 4 A B / (C D) of two planes, C1 and C2 halved in A and B; `half` is half of it."""

    def __init__(self, target, target_mean, target_variance, image, is_reflect):
        self.target, self.target_mean, self.image = target, target_mean, image
        self.is_reflect = is_reflect
        self.windows = windows = _Windows(image.shape, is_reflect)
        new = windows.new
        self.mean = windows.mean(image, new())
        work = new()
        self.b = windows.mean(np.multiply(target, image, out=work), new())
        self.d = windows.mean(np.multiply(image, image, out=work), new())
        self.a = np.multiply(target_mean, self.mean, out=new())
        self.b -= self.a
        self.a += _C1 / 2
        self.b += _C2 / 2
        self.c = np.multiply(self.mean, self.mean, out=new())
        self.d -= self.c
        self.d += target_variance
        self.d += _C2
        self.c += np.multiply(target_mean, target_mean, out=work)
        self.c += _C1
        self.ratio = np.multiply(self.c, self.d, out=work)
        np.divide(np.float32(2), self.ratio, out=self.ratio)
        self.half = np.multiply(self.a, self.b, out=new())
        self.half *= self.ratio

    def gradient(self, weights):
        """Of sum(weights * clip((1 - SSIM) / 2, 0, 1)) for the image.

        The windows' transposed matrix is theirs between two diagonal ones, see `balance`.
        """
        windows, balances = self.windows, balance(*weights.shape, self.is_reflect)
        weights *= np.abs(self.half, out=windows.rows) < 0.5
        weights /= balances
        self.ratio *= weights
        # To the mean of the image.
        to_mean = np.subtract(self.d, self.c, out=windows.new())
        to_mean *= self.mean
        to_mean *= self.half
        mixed = np.subtract(self.b, self.a, out=self.d)
        mixed *= self.target_mean
        to_mean -= mixed
        to_mean *= self.ratio
        gradient = windows.mean(to_mean, self.mean)
        # To the mean of its squares.
        self.c *= self.half
        self.c *= self.ratio
        part = windows.mean(self.c, self.d)
        part *= self.image
        gradient += part
        # To the mean of its products with the target.
        self.a *= self.ratio
        part = windows.mean(self.a, self.b)
        part *= self.target
        gradient -= part
        gradient *= balances
        return gradient


def for_each(function: Callable, images: np.ndarray) -> None:
    """Call function((item, channel)) for each plane of images (B, C, H, W), on all cores."""
    list(POOL.map(function, np.ndindex(*images.shape[:2])))


def balance(height: int, width: int, is_reflect: bool) -> np.ndarray:
    """(H, W): how many pixels of each window are inside; or, mirrored, a window's share.

    A row at the border counts half when mirrored: it lends its neighbour to one window only, and
    borrows it twice. This matrix makes the means symmetric: with D of its values on the diagonal, D
    times the means' matrix equals its transpose.
    """
    lines = [np.full(size, 1 if is_reflect else 3, np.float32) for size in (height, width)]
    for line in lines:
        line[[0, -1]] = 0.5 if is_reflect else 2
    return np.outer(*lines)


_kept = threading.local()


def _memory(shape):
    """Planes of this thread, kept from call to call."""
    if getattr(_kept, "shape", None) != shape:
        size = shape[0] * shape[1]
        # Planes that lie a multiple of 4096 bytes apart slow each other: 16 numbers between them.
        lines = np.empty((10, size + 16), np.float32)
        _kept.shape, _kept.planes = shape, [line[:size].reshape(shape) for line in lines]
    return _kept.planes


def _same(image):
    return image


def _first(*each):
    return each[0]


def _map_shape(*shapes):
    batch, _, height, width = shapes[0]
    return batch, 1, height, width
