"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Bilinear sampling of images at computed places.

Conventions
    Pixel grid: x to the right, y down, in pixels; the centre of the top left pixel is (0, 0), that
    of the bottom right one (W - 1, H - 1). Layout: images (B, C, H, W), places two planes x and y,
    each (B, h, w).

The 2 x 2 pixels around each place are one row of a table, kept as the coefficients of their
bilinear polynomial a + b fx + c fy + d fx fy, so that a place costs one gather, and the rest are
products with constant matrices. This form can be exported and served, where ops.grid_sample
cannot (MindSpore Lite knows neither lists nor `&` of conditions); training on CPU has its own, in
sampling_cpu.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import ops
from mindspore.ops import constexpr

from ..model_utils.cpu_forms import CpuForm
from .sampling_cpu import CpuSampler

OUTSIDE = ("border", "zero")


def half_pixel_places(places: ms.Tensor, size: int) -> ms.Tensor:
    """Where grid_sample(align_corners=False) reads what was normalised for align_corners=True.

    Monodepth2's source divides by size - 1; PyTorch since 1.3 and its default argument read the
    result as a share of `size`, which stretches the places about the image's centre.

    Args:
        places: x or y in pixels, any shape.
        size: the image's width for x, its height for y.
    """
    return places * (size / (size - 1)) - 0.5


class Sampler(CpuForm):
    """Bilinear values of an image at any places.

    Args:
        outside: "border" repeats the outermost pixels, as PyTorch's padding_mode="border" with
            align_corners=True. "zero" is GeoNet's rule: 0 wherever x < 0, x >= W - 1, y < 0 or
            y >= H - 1, so also on the last column and row.
        image_gradient: whether the image gets a gradient; without, a step is cheaper.
    Raises:
        ValueError: an unknown rule.
    """

    def __init__(self, outside: str, image_gradient: bool = False):
        super().__init__()
        if outside not in OUTSIDE:
            raise ValueError(f"outside {outside!r}: choose one of {', '.join(OUTSIDE)}")
        self.is_border = outside == "border"
        self.image_gradient = image_gradient
        if self.cpu_form:
            self.on_cpu = CpuSampler(self.is_border, image_gradient)
        self.product = ops.BatchMatMul()
        self.product_a = ops.BatchMatMul(transpose_a=True)
        self.product_b = ops.BatchMatMul(transpose_b=True)

    def construct(self, image, x, y):
        """(B, C, H, W), (K B, h, w) twice -> (K B, C, h, w).

        H and W are at least 2. With K > 1 the K sets of places come one after the other, each for
        the whole batch.
        """
        if not self.image_gradient:
            image = ops.stop_gradient(image)
        if self.cpu_form:
            return self.on_cpu(image, x, y)
        batch, channels, height, width = image.shape
        count, out_height, out_width = x.shape
        left, fx = self._cell(x, width)
        top, fy = self._cell(y, height)
        starts = _starts(count, batch, height * width - width - 1)
        rows = (top * width + left).to(ms.int32).reshape(count, -1) + starts
        rows = ops.gather(self._table(image), rows, 0)
        one = ops.ones_like(fx)
        if not self.is_border:
            one = _inside(x, y, height, width).to(fx.dtype)
            fx, fy = fx * one, fy * one
        weights = ops.stack((one, fx, fy, fx * fy), 1).reshape(count, 4, -1)
        weights = self.product_a(weights, _spread(count, channels))
        values = self.product_b(_collect(count, channels), rows * weights)
        return values.reshape(count, channels, out_height, out_width)

    def _cell(self, places, size):
        """First pixel of the cell in which each place lies, and its share of the way to the next.

        The gradient is that of the originals: none where a place was clipped, and PyTorch gives
        none on the first and last pixel either.
        """
        fixed = ops.stop_gradient(places)
        clipped = ops.maximum(ops.minimum(fixed, size - 1.0), 0.0)
        first = ops.minimum(ops.floor(clipped), size - 2.0)
        free = fixed > 0 if self.is_border else fixed >= 0
        free = ops.logical_and(free, fixed < size - 1)
        return first, ops.select(free, places, clipped) - first

    def _table(self, image):
        """The polynomials of all cells of 2 x 2 pixels, (B (H W - W - 1), 4 C).

        The last cell of a row would reach over the image's side; no place falls into it.
        """
        batch, channels, height, width = image.shape
        cells = height * width - width - 1
        pixels = image.reshape(batch, channels, -1)
        corners = ()
        for start in (0, 1, width, width + 1):
            corners += (pixels[:, :, start : start + cells],)
        table = self.product_a(ops.concat(corners, 1), _polynomial(batch, channels))
        return table.reshape(-1, 4 * channels)


def _inside(x, y, height, width):
    across = ops.logical_and(x >= 0, x < width - 1)
    return ops.logical_and(across, ops.logical_and(y >= 0, y < height - 1))


# What follows depends on shapes only and becomes constants of the graph.
@constexpr
def _starts(count, batch, cells):
    """Where the table of each place's image begins, (K B, 1)."""
    return ms.Tensor((np.arange(count, dtype=np.int32) % batch * cells)[:, None])


@constexpr
def _polynomial(batch, channels):
    """From the pixels of a cell (top left, top right, bottom left, bottom right) to a, b, c, d."""
    corners = np.array([[1, 0, 0, 0], [-1, 1, 0, 0], [-1, 0, 1, 0], [1, -1, -1, 1]], np.float32)
    return _repeated(np.kron(corners.T, np.eye(channels)), batch)


@constexpr
def _spread(count, channels):
    """From four weights to 4 C."""
    return _repeated(np.kron(np.eye(4), np.ones((1, channels))), count)


@constexpr
def _collect(count, channels):
    """From 4 C products to the C sums."""
    return _repeated(np.kron(np.ones((1, 4)), np.eye(channels)), count)


def _repeated(matrix, count):
    return ms.Tensor(np.repeat(matrix[None].astype(np.float32), count, 0))
