"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Bilinear sampling on CPU: numpy, one image at a time, through ops.Custom (see similarity_cpu).

The gradients recompute the cells instead of keeping them. Those of the places are the originals':
none where a place was clipped, nor, with borders, on the first and last pixel.
"""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from .similarity_cpu import POOL


class CpuSampler(nn.Cell):
    """See `sampling.Sampler`, whose arguments these are."""

    def __init__(self, is_border: bool, image_gradient: bool):
        super().__init__()
        self.is_border, self.image_gradient = is_border, image_gradient
        self.forward = ops.Custom(self._values, _values_shape, _first_type, "pyfunc")
        self.of_places = ops.Custom(self._of_places, _places_shape, _first_type, "pyfunc")
        self.of_image = ops.Custom(self._of_image, _image_shape, _first_type, "pyfunc")

    def construct(self, image, x, y):
        """(B, C, H, W), (K B, h, w) twice -> (K B, C, h, w)."""
        return self.forward(image, x, y)

    def bprop(self, image, x, y, out, dout):
        of_x, of_y = ops.split(self.of_places(image, x, y, dout), 1, 1)
        of_image = ops.zeros_like(image)
        if self.image_gradient:
            of_image = self.of_image(image, x, y, dout)
        return of_image, of_x.reshape(x.shape), of_y.reshape(y.shape)

    def _values(self, image, x, y):
        values = np.empty(_values_shape(image.shape, x.shape, y.shape), np.float32)

        def fill(index):
            cells = _Cells(x[index], y[index], image.shape[2:], self.is_border)
            for plane, out in zip(image[index % len(image)], values[index]):
                cells.values(plane, out)

        list(POOL.map(fill, range(len(x))))
        return values

    def _of_places(self, image, x, y, dout):
        gradients = np.zeros((len(x), 2, *x.shape[1:]), np.float32)

        def fill(index):
            cells = _Cells(x[index], y[index], image.shape[2:], self.is_border)
            for plane, weights in zip(image[index % len(image)], dout[index]):
                cells.add_slopes(plane, weights, gradients[index])
            gradients[index] *= cells.free

        list(POOL.map(fill, range(len(x))))
        return gradients

    def _of_image(self, image, x, y, dout):
        gradient = np.zeros_like(image)

        def fill(index):
            for places in range(index, len(x), len(image)):
                cells = _Cells(x[places], y[places], image.shape[2:], self.is_border)
                for weights, out in zip(dout[places], gradient[index]):
                    cells.scatter(weights, out)

        list(POOL.map(fill, range(len(image))))
        return gradient


class _Cells:
    """The 2 x 2 pixels around places x and y, (h, w) each, in images of shape (H, W).

    `right` and `below` are the shares of the way to the next column and row.
    """

    def __init__(self, x, y, shape, is_border):
        height, width = shape
        left, self.right, free_x = _line(x, width, is_border)
        top, self.below, free_y = _line(y, height, is_border)
        self.offsets = 0, 1, width, width + 1
        top *= width
        top += left
        self.start = top.astype(np.intp)
        self.inside = None
        self.free = np.stack((free_x, free_y))
        if not is_border:
            self.inside = free_x & free_y
            self.free = self.inside

    def corners(self, plane):
        """Top left; and what the other three add to it: b, c, d of a + b fx + c fy + d fx fy."""
        pixels = plane.ravel()
        first, right, below, both = (
            np.take(pixels[offset:], self.start, mode="clip") for offset in self.offsets
        )
        both -= below
        both -= right
        both += first
        right -= first
        below -= first
        return first, right, below, both

    def values(self, plane, out):
        value, right, below, both = self.corners(plane)
        both *= self.right
        both += below
        both *= self.below
        right *= self.right
        value += right
        np.add(value, both, out=out)
        if self.inside is not None:
            out *= self.inside

    def add_slopes(self, plane, weights, out):
        _, right, below, both = self.corners(plane)
        right += both * self.below
        right *= weights
        both *= self.right
        below += both
        below *= weights
        out[0] += right
        out[1] += below

    def scatter(self, weights, out):
        """Add to an image's plane what each place adds to its four pixels."""
        if self.inside is not None:
            weights = weights * self.inside
        below = weights * self.below
        both = below * self.right
        right = weights * self.right - both
        below -= both
        first = weights - right - below - both
        pixels = out.ravel()
        for offset, share in zip(self.offsets, (first, right, below, both)):
            pixels[offset:] += np.bincount(
                self.start.ravel(), share.ravel(), minlength=pixels.size - offset
            )[: pixels.size - offset]


def _line(places, size, is_border):
    """First pixel of each place's cell, the share of the way to the next, where it may move."""
    free = (places > 0 if is_border else places >= 0) & (places < size - 1)
    share = np.minimum(places, np.float32(size - 1))
    np.maximum(share, 0, out=share)
    first = np.floor(share)
    np.minimum(first, np.float32(size - 2), out=first)
    share -= first
    return first, share, free


def _values_shape(image, x, y):
    return (x[0], image[1], *x[1:])


def _places_shape(image, x, y, dout):
    return (x[0], 2, *x[1:])


def _image_shape(image, x, y, dout):
    return image


def _first_type(*types):
    return types[0]
