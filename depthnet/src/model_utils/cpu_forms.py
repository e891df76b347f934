"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Forms of operators that are faster on CPU than MindSpore's own, and a switch back to plain ones; a
max-pool in the form that MindSpore Lite runs.

A 3x3 convolution by Winograd's minimal filtering (Lavin and Gray 2016), F(4x4, 3x3): a tile of 4x4
outputs takes 36 products where the definition takes 144. The image is cut into tiles of 6x6 that
overlap by 2, each tile and each kernel is transformed to 36 numbers, and what remains are 36 matrix
products over the channels.
"""

from __future__ import annotations

import math

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

TILE = 4
WINDOW = TILE + 2
_NUMBERS = WINDOW**2
# Below this many tiles, of all images, the transforms cost more than they save.
LEAST_TILES = 56
# In training: with fewer, rounding moves gradients of small maps further than the originals' does.
_LEAST_TRAINED = 144

# Section 4.3 of the paper.
IMAGE_TRANSFORM = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
KERNEL_TRANSFORM = [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]
KERNEL_TRANSFORM = np.array(KERNEL_TRANSFORM) / 24
OUTPUT_TRANSFORM = [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
]
OUTPUT_TRANSFORM = np.array(OUTPUT_TRANSFORM)


def fits(shape: tuple[int, ...], dtype: object, is_training: bool) -> bool:
    """Whether an image (B, C, h, w) can be convolved so, and gains by it."""
    batch, _, height, width = shape
    tiled = height % TILE == 0 and width % TILE == 0
    least = _LEAST_TRAINED if is_training else LEAST_TILES
    return tiled and batch * height * width >= least * TILE**2 and dtype == ms.float32


def _both_axes(matrix, *shape):
    matrix = np.kron(matrix, matrix).astype(np.float32)
    return ms.Tensor(matrix.reshape(shape) if shape else matrix)


def turned(rows: ms.Tensor, first: int, second: int, third: int) -> ms.Tensor:
    """(first, second, third, n), in any shape with these rows -> (first second third, n), the rows
    as in (third, second, first, n).

    By gather: what a transposition reads and writes stays in memory until the graph ends.
    """
    order = _order(first, second, third)
    return ops.gather(rows.reshape(order.shape[0], -1), order, 0)


class SwappedRows(nn.Cell):
    """(first, second, n) -> (second, first, n) by gather; see `turned`."""

    def construct(self, rows):
        first, second, _ = rows.shape
        return turned(rows, first, 1, second).reshape(second, first, -1)

    def bprop(self, rows, out, dout):
        """Rows swapped back, where a gather's own gradient adds up numbers one by one."""
        first, second, _ = rows.shape
        return (turned(dout, second, 1, first).reshape(rows.shape),)


@constexpr
def _order(first, second, third):
    places = np.arange(first * second * third, dtype=np.int32).reshape(first, second, third)
    return ms.Tensor(places.transpose(2, 1, 0).ravel())


class WinogradConv(nn.Cell):
    """3x3 convolution, stride 1, zero border, of images that `fits` accepts.

    Equal to the definition up to rounding, about 1e-5 of the largest output. Unlike oneDNN's own
    gradients (80 MB each at 96x96 with 256 channels) it keeps no buffer while the graph lives.
    `python -m tests.benchmarks.bench_midas_network` times MidasNet so, with `--plain 1` without.
    """

    def __init__(self):
        super().__init__()
        self.image = _both_axes(IMAGE_TRANSFORM, _NUMBERS, 1, WINDOW, WINDOW)
        self.kernel = _both_axes(KERNEL_TRANSFORM)
        self.turned_kernel = _both_axes(KERNEL_TRANSFORM[:, ::-1])
        self.output = _both_axes(OUTPUT_TRANSFORM.T, _NUMBERS, 1, TILE, TILE)
        self.cut = ops.Conv2D(_NUMBERS, WINDOW, stride=TILE, pad_mode="pad", pad=1)
        self.cut_output = ops.Conv2D(_NUMBERS, TILE, stride=TILE)
        self.join = ops.Conv2DTranspose(1, TILE, stride=TILE)
        self.transform = ops.MatMul(transpose_b=True)
        self.transform_gradient = ops.MatMul(transpose_a=True)
        self.product = ops.BatchMatMul()
        self.product_a = ops.BatchMatMul(transpose_a=True)
        self.product_b = ops.BatchMatMul(transpose_b=True)

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, 3, 3) -> (B, out, h, w)."""
        # Delay building the kernels until the image is there: all at once they take much memory.
        kernels = self._kernels(self.kernel, ops.depend(weight, x))
        return self._image(self.product(kernels, self._tiles(self.cut, self.image, x)), x.shape)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight."""
        kernels = self._kernels(self.turned_kernel, ops.depend(weight, dout))
        tiles = self._tiles(self.cut, self.image, dout)
        dx = self._image(self.product_a(kernels, tiles), x.shape)
        tiles = self._tiles(self.cut, self.image, ops.depend(x, dout))
        gradients = self._tiles(self.cut_output, self.output, dout)
        gradients = self.product_b(gradients, tiles).reshape(_NUMBERS, -1)
        return dx, self.transform_gradient(gradients, self.kernel).reshape(weight.shape)

    def _kernels(self, matrix, weight):
        """(out, in, 3, 3) -> (36, out, in)."""
        numbers = self.transform(matrix, weight.reshape(-1, 9))
        return numbers.reshape(_NUMBERS, *weight.shape[:2])

    @staticmethod
    def _tiles(cut, matrix, x):
        """(B, C, h, w) -> (36, C, B * tiles)."""
        batch, channels, height, width = x.shape
        tiles = cut(x.reshape(batch * channels, 1, height, width), matrix)
        return turned(tiles, batch, channels, _NUMBERS).reshape(_NUMBERS, channels, -1)

    def _image(self, products, shape):
        """(36, C, B * tiles) -> (B, C, h, w)."""
        batch, _, height, width = shape
        channels = products.shape[1]
        tiles = turned(products, _NUMBERS, channels, batch)
        tiles = tiles.reshape(batch * channels, _NUMBERS, height // TILE, width // TILE)
        image = self.join(tiles, self.output, (batch * channels, 1, height, width))
        return image.reshape(batch, channels, height, width)


class TurnedConv(nn.Cell):
    """Convolution to few channels, stride 1, as a transposed one with the turned kernel.

    It needs no im2col, which takes longer than the products do: 16 channels to one at 192x640 take
    2 ms instead of 3.4, with gradients 4 instead of 26.

    Args:
        kernel_size: odd.
        borders: zeros above, below, left and right.
    """

    def __init__(self, kernel_size: int, borders: tuple[int, int, int, int]):
        super().__init__()
        self.kernel_size, self.borders = kernel_size, borders

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (B, out, h', w')."""
        batch, channels, height, width = x.shape
        top, bottom, left, right = self.borders
        out_channels, beyond = weight.shape[0], self.kernel_size - 1
        pad = beyond - top, beyond - bottom, beyond - left, beyond - right
        conv = ops.Conv2DTranspose(channels, self.kernel_size, pad_mode="pad", pad=pad)
        height, width = height + top + bottom - beyond, width + left + right - beyond
        return conv(x, turned_kernel(weight), (batch, out_channels, height, width))


def turned_kernel(weight: ms.Tensor) -> ms.Tensor:
    """(out, in, k, k) of a convolution -> (in, out, k, k) of the transposed one: each turned."""
    places = _backwards(weight.shape)
    kernel = ops.gather(weight.reshape(-1, places.shape[0]), places, 1)
    return kernel.reshape(weight.shape).permute(1, 0, 2, 3)


@constexpr
def _backwards(shape):
    return ms.Tensor(np.arange(math.prod(shape[2:]), dtype=np.int32)[::-1].copy())


def device_target() -> str:
    """What networks are built for now: Ascend, GPU or CPU."""
    if hasattr(ms, "get_current_device"):
        return ms.get_current_device().device_target
    return ms.get_context("device_target")  # MindSpore 2.0.0, which exports for the 310


class CpuForm(nn.Cell):
    """A cell with a form of its own for CPU, taken where `cpu_form` is true.

    It may have another one for exported graphs, for MindSpore Lite, where `is_exported` is true.
    """

    def __init__(self):
        super().__init__()
        self.cpu_form, self.is_exported = device_target() == "CPU", False


def use_plain_forms(net: nn.Cell) -> None:
    """Make a network compute as an exported graph does, for any device."""
    for _, cell in net.cells_and_names():
        if isinstance(cell, CpuForm):
            cell.cpu_form, cell.is_exported = False, True


class PaddedMaxPool(CpuForm):
    """3x3 max-pool with stride 2 and a zero border, for inputs >= 0.

    Zeros stand for PyTorch's minus infinity after a ReLU; MindSpore Lite runs this form only.
    """

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, pad_mode="valid")
        self.pad = ops.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))

    def construct(self, x):
        """(B, C, h, w) -> (B, C, ceil(h / 2), ceil(w / 2))."""
        if not self.cpu_form:
            return self.pool(self.pad(x))
        batch, channels, height, width = x.shape
        # By concatenation: ops.Pad takes ten times as long on CPU.
        side = ops.zeros((batch, channels, height, 1), dtype=x.dtype)
        x = ops.concat((side, x, side), 3)
        edge = ops.zeros((batch, channels, 1, width + 2), dtype=x.dtype)
        return self.pool(ops.concat((edge, x, edge), 2))
