"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The 3x3 convolutions of depth decoders: plain, and in forms that are fast on CPU.

A decoder doubles a map's size by repeating pixels, puts an encoder's features beside it and
convolves both. On CPU both go through Winograd's F(4x4, 3x3) (see cpu_forms): the features as they
are, the map before it is doubled. There the four outputs around each small pixel have kernels of
their own, sums of the 3x3 one's rows and columns, so that a tile of 6x6 small pixels gives 8x8
outputs, and the doubled map never exists. `python -m tests.benchmarks.bench_sfm` times them.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer
from mindspore.ops import constexpr

from ..model_utils.cpu_forms import (
    IMAGE_TRANSFORM,
    KERNEL_TRANSFORM,
    OUTPUT_TRANSFORM,
    TILE,
    WINDOW,
    CpuForm,
)

BORDERS = ("reflect", "zero")
_NUMBERS = WINDOW**2
# Kernel rows (or columns) that meet in each row of the small map, for even and odd output rows.
_PHASES = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]])


class DecoderConv(CpuForm):
    """3x3 convolution of [a map of doubled size, features], with bias.

    Args:
        small_channels: of the map that is doubled by repeating its pixels; 0 for none.
        channels: of the features; 0 for none.
        out_channels: of the result.
        border: "reflect" mirrors about the outermost pixels (Monodepth2), "zero" (GeoNet).
        weight_init, bias_init: initializers of the (out, small + channels, 3, 3) weight and the
            (out,) bias.
        has_bias: whether there is a bias.
    Raises:
        ValueError: an unknown border.
    """

    def __init__(
        self,
        small_channels: int,
        channels: int,
        out_channels: int,
        border: str,
        *,
        weight_init: object = "HeUniform",
        bias_init: object = "zeros",
        has_bias: bool = True,
    ):
        super().__init__()
        if border not in BORDERS:
            raise ValueError(f"border {border!r}: choose one of {', '.join(BORDERS)}")
        shape = (out_channels, small_channels + channels, 3, 3)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")
        self.has_bias = has_bias
        if has_bias:
            self.bias = Parameter(initializer(bias_init, (out_channels,)), name="bias")
        self.small_channels, self.channels = small_channels, channels
        self.is_reflect = border == "reflect"
        self.conv = ops.Conv2D(out_channels, (3, 3))
        self.tiled, self.tiled_double = TiledConv(), TiledConv(doubles=True)
        self.bias_add = ops.BiasAdd()

    def construct(self, small, features):
        """(B, small, h, w), (B, channels, 2h, 2w), either may be None -> (B, out, 2h, 2w)."""
        y = self._tiles(small, features) if self.cpu_form else self._plain(small, features)
        return self.bias_add(y, self.bias.to(y.dtype)) if self.has_bias else y

    def _plain(self, small, features):
        x = features if small is None else double(small)
        if small is not None and features is not None:
            x = ops.concat((x, features), 1)
        return self.conv(framed(x, 1, self.is_reflect), self.weight.to(x.dtype))

    def _tiles(self, small, features):
        if small is None:
            return self._part(self.tiled, features, 1, self.weight)
        # Beside the border of a doubled map lies the same pixel again: it mirrors by repeating.
        first = self.small_channels
        y = self._part(self.tiled_double, small, 0, self.weight[:, :first])
        if features is None:
            return y
        return y + self._part(self.tiled, features, 1, self.weight[:, first:])

    def _part(self, tiled, x, inner, weight):
        height, width = x.shape[2], x.shape[3]
        y = tiled(framed(x, inner, self.is_reflect, TILE), weight)
        if height % TILE == 0 and width % TILE == 0:
            return y
        return y[:, :, : tiled.scale * height, : tiled.scale * width]


class TiledConv(nn.Cell):
    """3x3 convolution of framed maps by Winograd's tiles; equal up to about 1e-5 of the largest.

    Args:
        doubles: convolve the map of doubled size, whose pixels are repeated.
    """

    def __init__(self, doubles: bool = False):
        super().__init__()
        self.scale = 2 if doubles else 1
        self.phases = self.scale**2
        kernel, output, side = _transforms(self.scale)
        self.image = ms.Tensor(np.kron(IMAGE_TRANSFORM, IMAGE_TRANSFORM).astype(np.float32))
        self.image = self.image.reshape(_NUMBERS, 1, WINDOW, WINDOW)
        self.kernel, self.output = ms.Tensor(kernel), ms.Tensor(output)
        numbers = len(output)
        self.cut = ops.Conv2D(_NUMBERS, WINDOW, stride=TILE)
        self.uncut = ops.Conv2DTranspose(1, WINDOW, stride=TILE)
        self.join = ops.Conv2DTranspose(1, side, stride=side)
        self.unjoin = ops.Conv2D(numbers, side, stride=side)
        self.product_rows = ops.MatMul(transpose_b=True)
        self.product_columns = ops.MatMul(transpose_a=True)
        self.product = ops.BatchMatMul()
        self.product_a = ops.BatchMatMul(transpose_a=True)
        self.product_b = ops.BatchMatMul(transpose_b=True)

    def construct(self, x, weight):
        """(B, in, h + 2, w + 2), (out, in, 3, 3) -> (B, out, scale h, scale w); h and w of 4."""
        batch, _, height, width = x.shape
        out_channels = weight.shape[0]
        kernels = self._kernels(ops.depend(weight, x))
        tiles = self.product(kernels, self._cut_tiles(x))
        tiles = _turned(tiles, (_NUMBERS, self.phases, out_channels, batch), (3, 2, 1, 0))
        height, width = height - 2, width - 2
        tiles = tiles.reshape(batch * out_channels, -1, height // TILE, width // TILE)
        height, width = self.scale * height, self.scale * width
        y = self.join(tiles, self.output, (batch * out_channels, 1, height, width))
        return y.reshape(batch, out_channels, height, width)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight, each transform by its adjoint."""
        batch, channels, height, width = x.shape
        out_channels = weight.shape[0]
        dout = dout.reshape(batch * out_channels, 1, *dout.shape[2:])
        tiles = self.unjoin(dout, self.output)
        tiles = _turned(tiles, (batch, out_channels, self.phases, _NUMBERS), (3, 2, 1, 0))
        tiles = tiles.reshape(_NUMBERS, self.phases * out_channels, -1)

        # The cut tiles again, rather than kept: they are more than twice as large as x.
        of_kernels = self.product_b(tiles, self._cut_tiles(ops.depend(x, dout)))
        of_kernels = _turned(of_kernels, (_NUMBERS, self.phases, 1, 1), (1, 0, 2, 3))
        of_kernels = of_kernels.reshape(self.phases * _NUMBERS, -1)
        of_weight = self.product_columns(of_kernels, self.kernel).reshape(weight.shape)

        of_tiles = self.product_a(self._kernels(ops.depend(weight, dout)), tiles)
        of_tiles = _turned(of_tiles, (_NUMBERS, 1, channels, batch), (3, 2, 1, 0))
        rows, columns = (height - 2) // TILE, (width - 2) // TILE
        of_tiles = of_tiles.reshape(batch * channels, _NUMBERS, rows, columns)
        of_x = self.uncut(of_tiles, self.image, (batch * channels, 1, height, width))
        return of_x.reshape(x.shape), of_weight

    def _kernels(self, weight):
        """(out, in, 3, 3) -> (36, phases out, in)."""
        numbers = self.product_rows(self.kernel, weight.reshape(-1, 9))
        numbers = _turned(numbers, (self.phases, _NUMBERS, 1, 1), (1, 0, 2, 3))
        return numbers.reshape(_NUMBERS, -1, weight.shape[1])

    def _cut_tiles(self, x):
        """(B, C, h, w) -> (36, C, B tiles)."""
        batch, channels, height, width = x.shape
        tiles = self.cut(x.reshape(batch * channels, 1, height, width), self.image)
        tiles = _turned(tiles, (batch, channels, 1, _NUMBERS), (3, 2, 1, 0))
        return tiles.reshape(_NUMBERS, channels, -1)


def double(x: ms.Tensor) -> ms.Tensor:
    """Each pixel twice in both directions: (B, C, h, w) -> (B, C, 2h, 2w)."""
    batch, channels, height, width = x.shape
    x = ops.tile(x.reshape(batch, channels, height, 1, width, 1), (1, 1, 1, 2, 1, 2))
    return x.reshape(batch, channels, 2 * height, 2 * width)


def framed(x: ms.Tensor, inner: int, is_reflect: bool, multiple: int = 1) -> ms.Tensor:
    """A frame of one pixel, and zeros to the right and below up to a multiple of a size.

    Args:
        x: (B, C, h, w).
        inner: which pixel from the border the frame repeats: 1 mirrors, 0 repeats the outermost.
        is_reflect: False makes the frame zero.
        multiple: of what h and w become, not counting the frame.
    Returns:
        (B, C, h' + 2, w' + 2).
    """
    height, width = x.shape[2], x.shape[3]
    first, last = x[:, :, inner : inner + 1], x[:, :, height - 1 - inner : height - inner]
    x = _between(first, x, last, is_reflect, -height % multiple, 2)
    first, last = x[:, :, :, inner : inner + 1], x[:, :, :, width - 1 - inner : width - inner]
    return _between(first, x, last, is_reflect, -width % multiple, 3)


def _between(first, x, last, is_reflect, more, axis):
    if not is_reflect:
        first, last = ops.zeros_like(first), ops.zeros_like(last)
    parts = (first, x, last)
    for _ in range(more):
        parts += (ops.zeros_like(last),)
    return ops.concat(parts, axis)


def _turned(rows, axes, order):
    """Turn the axes into which the rows fall apart: (a b c d, n) -> (... by `order`, n).

    By gather: what a transposition reads and writes stays in memory until the graph ends.
    """
    where = _places(axes, order)
    return ops.gather(rows.reshape(where.shape[0], -1), where, 0)


@constexpr
def _places(axes, order):
    places = np.arange(np.prod(axes), dtype=np.int32).reshape(axes)
    return ms.Tensor(np.ascontiguousarray(places.transpose(order)).reshape(-1))


def _transforms(scale):
    """From 9 weights to the numbers of each phase; from all numbers to a tile; the tile's side."""
    both = np.kron(OUTPUT_TRANSFORM, OUTPUT_TRANSFORM).T.reshape(_NUMBERS, TILE, TILE)
    rows = [KERNEL_TRANSFORM] if scale == 1 else [KERNEL_TRANSFORM @ phase for phase in _PHASES]
    kernel = [np.kron(row, column) for row in rows for column in rows]
    output = np.zeros((scale, scale, _NUMBERS, scale * TILE, scale * TILE), np.float32)
    for row in range(scale):
        for column in range(scale):
            output[row, column, :, row::scale, column::scale] = both
    side = scale * TILE
    kernel = np.concatenate(kernel).astype(np.float32)
    return kernel, output.reshape(-1, 1, side, side), side
