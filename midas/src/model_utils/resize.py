"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Resizing as two matrix products: one form for training, Ascend and MindSpore Lite.
"""

from __future__ import annotations

from functools import lru_cache

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer
from mindspore.ops import constexpr

from .cpu_forms import CpuForm

_LEAST_CUT = 48  # columns of a map, from which on its halves are doubled one after the other
MODES = ("align_corners", "half_pixel", "legacy", "area", "nearest")


def interpolation_matrix(in_size: int, out_size: int, mode: str) -> np.ndarray:
    """Weights that resample a line of pixels.

    Args:
        in_size: pixels in, >= 1.
        out_size: pixels out, >= 1.
        mode: bilinear by where output pixel i lies on the input line: "align_corners" maps the
            first and last pixel centres on each other, "half_pixel" maps the borders, "legacy"
            takes i * in / out. "area" averages what an output pixel covers, pixels at its ends in
            part; "nearest" takes pixel floor(i * in / out).

    Returns:
        (out_size, in_size) float32 array whose rows sum to 1.

    Raises:
        ValueError: an unknown mode.
    """
    if mode not in MODES:
        raise ValueError(f"resize mode {mode!r}: choose one of {', '.join(MODES)}")
    index = np.arange(out_size, dtype=np.float64)
    if mode == "area":
        return _overlaps(in_size, out_size)
    if mode == "nearest":
        position = np.floor(index * in_size / out_size)
    elif mode == "align_corners":
        position = index * ((in_size - 1) / max(out_size - 1, 1))
    elif mode == "half_pixel":
        position = (index + 0.5) * (in_size / out_size) - 0.5
    else:
        position = index * (in_size / out_size)
    position = np.maximum(position, 0)
    lower = position.astype(np.int64)
    upper = np.minimum(lower + 1, in_size - 1)  # the last pixel goes on beyond its centre
    fraction = position - lower
    matrix = np.zeros((out_size, in_size))
    rows = np.arange(out_size)
    np.add.at(matrix, (rows, lower), 1 - fraction)
    np.add.at(matrix, (rows, upper), fraction)
    return matrix.astype(np.float32)


def _overlaps(in_size, out_size):
    """Share of each output pixel, a stretch of in / out input pixels, that each of them covers."""
    edges = np.arange(out_size + 1)[:, None] * in_size / out_size
    pixels = np.arange(in_size)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (covered.clip(0) * out_size / in_size).astype(np.float32)


def shifted_matrices(in_size: int, out_size: int, mode: str) -> np.ndarray:
    """The three shifts (by -1, 0, 1 output pixel, zeros entering) of an interpolation matrix.

    Args:
        in_size, out_size, mode: see `interpolation_matrix`.

    Returns:
        (3, out_size, in_size) float32 array: what a 3-tap convolution with a zero border sees.
    """
    matrix = interpolation_matrix(in_size, out_size, mode)
    border = np.zeros_like(matrix[:1])
    before, after = (border, matrix[:-1]), (matrix[1:], border)
    return np.stack([np.concatenate(before), matrix, np.concatenate(after)])


@lru_cache
def _matrix_tensor(kind, in_size, out_size, mode):
    shifted = shifted_matrices(in_size, out_size, mode)
    matrix = {
        "rows": shifted[1],
        "columns": shifted[1].T,
        "shifted rows": np.concatenate(shifted, axis=1),
    }[kind]
    return ms.Tensor(np.ascontiguousarray(matrix))


# Shapes are known when a graph is compiled, so the matrix becomes a constant of the graph.
@constexpr
def _constant_matrix(kind, in_size, out_size, mode):
    return _matrix_tensor(kind, in_size, out_size, mode)


@constexpr
def _piece_matrices(width, mode, count, number):
    """(First pixel that a piece of the doubled line needs, the one after the last, and for each of
    the three shifts a matrix, (pixels, columns of the piece)).
    """
    part = slice(number * 2 * width // count, (number + 1) * 2 * width // count)
    shifted = shifted_matrices(width, 2 * width, mode)[:, part]
    needed = np.flatnonzero(shifted.any((0, 1)))
    first, end = int(needed[0]), int(needed[-1]) + 1
    matrices = tuple(ms.Tensor(np.ascontiguousarray(m[:, first:end].T)) for m in shifted)
    return first, end, matrices


class RowProduct(CpuForm):
    """A matrix times each channel of an image.

    On CPU MindSpore's product would first copy the matrix for each channel; a convolution whose
    channels are the rows does not.
    """

    def construct(self, matrix, x):
        """(H, h), (B, C, h, w) -> (B, C, H, w)."""
        if not self.cpu_form:
            return ops.matmul(matrix, x)
        batch, channels, height, width = x.shape
        image = x.reshape(batch * channels, height, 1, width)
        product = ops.conv2d(image, matrix.reshape(-1, height, 1, 1))
        return product.reshape(batch, channels, -1, width)


class ColumnProduct(CpuForm):
    """Each channel of an image times a matrix; on CPU one product for all (see RowProduct)."""

    def __init__(self):
        super().__init__()
        self.product = ops.MatMul()

    def construct(self, x, matrix):
        """(B, C, h, w), (w, W) -> (B, C, h, W)."""
        if not self.cpu_form:
            return ops.matmul(x, matrix)
        batch, channels, height, width = x.shape
        product = self.product(x.reshape(-1, width), matrix)
        return product.reshape(batch, channels, height, -1)


class Resize(nn.Cell):
    """Resize images to any size.

    Args:
        mode: see `interpolation_matrix`.
    """

    def __init__(self, mode: str):
        super().__init__()
        self.mode = mode
        self.row_product = RowProduct()
        self.column_product = ColumnProduct()

    def construct(self, x, height, width):
        """(B, C, h, w) -> (B, C, height, width)."""
        rows = _constant_matrix("rows", x.shape[2], height, self.mode).to(x.dtype)
        columns = _constant_matrix("columns", x.shape[3], width, self.mode).to(x.dtype)
        return self.row_product(rows, self.column_product(x, columns))


class DoubleSize(Resize):
    """Resize to twice the height and width."""

    def construct(self, x):
        """(B, C, h, w) -> (B, C, 2h, 2w)."""
        return super().construct(x, 2 * x.shape[2], 2 * x.shape[3])


class DoubleSizeConv(CpuForm):
    """DoubleSize followed by a 3x3 convolution with a zero border, in about half the operations.

    Mixing channels commutes with resizing. So the channels are mixed at the small size, once for
    each of the kernel's nine places, and the matrices that double the size also shift each result
    to its place and add them up.

    Args:
        in_channels, out_channels (int): of the convolution.
        mode: see `interpolation_matrix`.
        weight_init, bias_init: initializers of the (out, in, 3, 3) weight and the (out,) bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mode: str,
        weight_init: object,
        bias_init: object,
    ):
        super().__init__()
        shape = (out_channels, in_channels, 3, 3)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")
        self.bias = Parameter(initializer(bias_init, (out_channels,)), name="bias")
        self.split = ops.Split(0, 3)
        self.mix = ops.Conv2D(3 * out_channels, (1, 1))
        self.row_product = RowProduct()
        self.column_product = ColumnProduct()
        self.bias_add = ops.BiasAdd()
        self.shape = shape
        self.mode = mode

    def construct(self, x):
        """(B, in, h, w) -> (B, out, 2h, 2w)."""
        out_channels, in_channels = self.shape[:2]
        # The three rows of a kernel's column are three maps that lie on top of each other.
        weights = self.weight.to(x.dtype).permute(3, 0, 2, 1).reshape(-1, in_channels, 1, 1)
        weights, bias = self.split(weights), self.bias.to(x.dtype)
        if not self.cpu_form:
            # The ONNX exporter forgets BiasAdd's axis where no convolution comes before it.
            return self._piece(x, weights, 1, 0) + bias.reshape(1, out_channels, 1, 1)
        if self.training or x.shape[3] < _LEAST_CUT:
            return self.bias_add(self._piece(x, weights, 1, 0), bias)
        # Most of a matrix is zero; each half of the columns needs half of the pixels. With more
        # pieces compiling takes longer than many images save.
        halves = self._piece(x, weights, 2, 0), self._piece(x, weights, 2, 1)
        return self.bias_add(ops.concat(halves, 3), bias)

    def _piece(self, x, weights, count, number):
        """One of `count` pieces of the columns, without the bias: (B, out, 2h, 2w / count)."""
        height, width = x.shape[2], x.shape[3]
        first, end, matrices = _piece_matrices(width, self.mode, count, number)
        if count > 1:
            x = x[:, :, :, first:end]
        wide = ()
        for matrix, weight in zip(matrices, weights):
            wide += (self.column_product(self.mix(x, weight), matrix.to(x.dtype)),)
        # On CPU AddN passes through memory once for three maps.
        total = ops.addn(wide) if self.cpu_form else wide[0] + wide[1] + wide[2]
        total = total.reshape(-1, self.shape[0], 3 * height, 2 * width // count)
        rows = _constant_matrix("shifted rows", height, 2 * height, self.mode).to(x.dtype)
        return self.row_product(rows, total)
