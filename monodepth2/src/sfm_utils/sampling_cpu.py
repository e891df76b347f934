"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Bilinear sampling on CPU; see planes_cpu.

The gradients recompute the cells instead of keeping them. Those of the places are the originals':
none where a place was clipped, nor, with borders, on the first and last pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import nn, ops

from .planes_cpu import Scratch, blocks, first_of, for_images


class CpuSampler(nn.Cell):
    """See `sampling.Sampler`, whose arguments these are."""

    def __init__(self, is_border: bool, image_gradient: bool):
        super().__init__()
        self.is_border, self.image_gradient = is_border, image_gradient
        self.forward = ops.Custom(self._values, _values_shape, first_of, "pyfunc")
        self.of_places = ops.Custom(self._of_places, _places_shape, first_of, "pyfunc")
        self.of_image = ops.Custom(self._of_image, first_of, first_of, "pyfunc")

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

        def fill(part, within):
            cells = Cells(x[part], y[part], image.shape[2:], self.is_border, Scratch())
            cells.sample(image[within], values[part])

        for_images(fill, x.shape, len(image))
        return values

    def _of_places(self, image, x, y, dout):
        gradients = np.empty((len(x), 2, *x.shape[1:]), np.float32)

        def fill(part, within):
            cells = Cells(x[part], y[part], image.shape[2:], self.is_border, Scratch())
            cells.gradients(image[within], dout[part], gradients[part, 0], gradients[part, 1])

        for_images(fill, x.shape, len(image))
        return gradients

    def _of_image(self, image, x, y, dout):
        gradient = np.zeros_like(image)

        def fill(part, within):
            for start in range(0, len(x), len(image)):  # every set of places
                places = slice(start + part.start, start + part.stop)
                cells = Cells(x[places], y[places], image.shape[2:], self.is_border, Scratch())
                cells.scatter(dout[places], gradient[part])

        for_images(fill, (len(image), *x.shape[1:]), len(image))
        return gradient


class Cells:
    """The 2 x 2 pixels around places x and y, (N, h, w) each, in images (N, C, H, W).

    Args:
        shape: (H, W).
        is_border: see `sampling.Sampler`.
        scratch: holds what is kept here.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        shape: tuple[int, int],
        is_border: bool,
        scratch: Scratch,
    ):
        height, width = shape
        self.is_border, self.scratch = is_border, scratch
        self.lines = (x, width), (y, height)
        self.offsets = 0, 1, width, width + 1
        left, self.right = self._split(x, width)
        start, self.below = self._split(y, height)
        start *= width
        start += left
        self.start = scratch.new(x.shape, np.intp)
        np.copyto(self.start, start, casting="unsafe")
        # What is no number became the smallest one; it is kept in `right` or `below`.
        np.maximum(self.start, 0, out=self.start)

    def sample(self, images: np.ndarray, out: np.ndarray) -> None:
        """Write what images (N, C, H, W) show at the places to (N, C, h, w)."""
        inside = None if self.is_border else self._inside()
        for block, (value, right, below, both) in self._corners(images):
            right -= value
            both -= below
            right *= self.right[:, None]
            both *= self.right[:, None]
            value += right
            below += both
            below -= value
            below *= self.below[:, None]
            np.add(value, below, out=out[:, block])
            if inside is not None:
                out[:, block] *= inside[:, None]

    def sample_with_slopes(
        self, images: np.ndarray, out: np.ndarray, of_x: np.ndarray, of_y: np.ndarray
    ) -> None:
        """`sample`, and how much that changes with x and with y, (N, C, h, w) each; see `chain`."""
        for block, corners in self._corners(images):
            value, right, below, both = _polynomial(*corners)
            across, down = of_x[:, block], of_y[:, block]
            np.multiply(both, self.below[:, None], out=across)
            across += right
            both *= self.right[:, None]
            np.add(below, both, out=down)
            np.multiply(across, self.right[:, None], out=right)
            value += right
            below *= self.below[:, None]
            np.add(value, below, out=out[:, block])
        if not self.is_border:
            out *= self._inside()[:, None]

    def gradients(
        self, images: np.ndarray, weights: np.ndarray, of_x: np.ndarray, of_y: np.ndarray
    ) -> None:
        """Write the gradients of sum(weights * what the images show) to (N, h, w) each."""
        of_x[...] = of_y[...] = 0
        for block, corners in self._corners(images):
            first, right, below, both = _polynomial(*corners)
            right += np.multiply(both, self.below[:, None], out=first)
            both *= self.right[:, None]
            below += both
            right *= weights[:, block]
            below *= weights[:, block]
            for channel in range(right.shape[1]):
                of_x += right[:, channel]
                of_y += below[:, channel]
        self._limit(of_x, of_y)

    def chain(
        self, weights: np.ndarray, slopes: Sequence[np.ndarray], of_places: Sequence[np.ndarray]
    ) -> None:
        """`gradients`, given what `sample_with_slopes` found, which is overwritten.

        Args:
            weights: (N, C, h, w).
            slopes: of_x and of_y, (N, C, h, w).
            of_places: (N, h, w) for x and y, to write to.
        """
        for slope, gradient in zip(slopes, of_places):
            slope *= weights
            gradient[...] = slope[:, 0]
            for channel in range(1, slope.shape[1]):
                gradient += slope[:, channel]
        self._limit(*of_places)

    def _limit(self, of_x, of_y):
        """Take away the gradients (N, h, w) of places that have none."""
        free = [self._are_inside(*line) for line in self.lines]
        if not self.is_border:
            free[0] &= free[1]
            free[1] = free[0]
        of_x *= free[0]
        of_y *= free[1]

    def scatter(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradients of the images what the weights (N, C, h, w) add to their pixels."""
        inside = 1 if self.is_border else self._inside()[:, None]
        for block, shares in self._rooms(weights.shape[1]):
            first, right, below, both = shares
            np.multiply(weights[:, block], inside, out=first)
            np.multiply(first, self.below[:, None], out=below)
            np.multiply(below, self.right[:, None], out=both)
            np.multiply(first, self.right[:, None], out=right)
            right -= both
            first -= right
            first -= below
            below -= both
            for start, planes, *each in zip(self.start, gradient[:, block], *shares):
                for offset, share in zip(self.offsets, each):
                    for plane, values in zip(planes, share):
                        np.add.at(plane.ravel()[offset:], start.ravel(), values.ravel())

    def _split(self, places, size):
        """First pixel of each place's cell, and the share of the way to the next."""
        first, share = self.scratch.new(places.shape), self.scratch.new(places.shape)
        np.minimum(places, np.float32(size - 1), out=share)
        np.maximum(share, 0, out=share)
        np.floor(share, out=first)
        np.minimum(first, np.float32(size - 2), out=first)
        share -= first
        return first, share

    def _are_inside(self, places, size):
        inside = places > 0 if self.is_border else places >= 0
        inside &= places < size - 1
        return inside

    def _inside(self):
        return self._are_inside(*self.lines[0]) & self._are_inside(*self.lines[1])

    def _rooms(self, channels):
        """Blocks of channels, each with four arrays of any content, (N, n, h, w)."""
        found, scratch = blocks(channels, self.start.size), Scratch(self.scratch)
        shape = len(self.start), found[0].stop, *self.start.shape[1:]
        rooms = [scratch.new(shape) for _ in self.offsets]
        for block in found:
            yield block, [room[:, : block.stop - block.start] for room in rooms]

    def _corners(self, images):
        """Blocks of channels, each with its pixels: top left, top right, bottom left and right."""
        for block, corners in self._rooms(images.shape[1]):
            for image, start, *each in zip(images, self.start, *corners):
                for offset, corner in zip(self.offsets, each):
                    for plane, values in zip(image[block], corner):
                        np.take(plane.ravel()[offset:], start, mode="clip", out=values)
            yield block, corners


def _polynomial(first, right, below, both):
    """Corners as a + b x + c y + d x y, in their place."""
    right -= first
    both -= below
    both -= right
    below -= first
    return first, right, below, both


def _values_shape(image, x, y):
    return (x[0], image[1], *x[1:])


def _places_shape(image, x, y, dout):
    return (x[0], 2, *x[1:])
