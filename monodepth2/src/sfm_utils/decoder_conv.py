"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The 3x3 convolutions of depth decoders: plain, and in forms that are fast on CPU.

A decoder doubles a map's size by repeating pixels, puts an encoder's features beside it and
convolves both. On CPU the doubled map never exists: where a kernel of 3x3 meets each small pixel
several times, a transposed convolution with sums of its rows and columns meets it once, 16 products
for four outputs instead of 36. Convolutions to few channels are transposed ones too (`TurnedConv`);
the others go through Winograd's F(4x4, 3x3) in training, where its gradients are faster, and with
many channels.
`python -m tests.benchmarks.bench_sfm` times them.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer
from mindspore.ops import constexpr

from ..model_utils.convolutions import LeanConv, is_lean
from ..model_utils.cpu_forms import (
    IMAGE_TRANSFORM,
    KERNEL_TRANSFORM,
    LEAST_TILES,
    OUTPUT_TRANSFORM,
    TILE,
    WINDOW,
    CpuForm,
    SwappedRows,
    TurnedConv,
    turned,
    turned_kernel,
)
from ..model_utils.strips import StripConvTranspose, strip_count
from .frames import Double, Frame

BORDERS = ("reflect", "zero")
_NUMBERS = WINDOW**2
_LEAST_CHANNELS = 128  # of the map and of the result, for tiles without gradients
_LEAST_PIXELS = 96  # of a map, for tiles
# Kernel rows (or columns) by which a small pixel reaches each of four rows of the doubled map.
_SUMS = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])


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
        self.conv, self.frame = ops.Conv2D(out_channels, (3, 3)), Frame(1, self.is_reflect)
        self.of_features, self.doubled = FeatureConv(self.is_reflect), DoubledConv()
        self.small_frame = Frame(0, self.is_reflect)
        self.double, self.bias_add = Double(), ops.BiasAdd()

    def construct(self, small, features):
        """(B, small, h, w), (B, channels, 2h, 2w), either may be None -> (B, out, 2h, 2w)."""
        y = self._fast(small, features) if self.cpu_form else self._plain(small, features)
        return self.bias_add(y, self.bias.to(y.dtype)) if self.has_bias else y

    def _plain(self, small, features):
        x = features if small is None else self.double(small)
        if small is not None and features is not None:
            x = ops.concat((x, features), 1)
        return self.conv(self.frame(x), self.weight.to(x.dtype))

    def _fast(self, small, features):
        if small is None:
            return self.of_features(features, self.weight)
        first = self.small_channels
        # Beside the border of a doubled map lies the same pixel again: it mirrors by repeating.
        x = self.small_frame(small) if self.is_reflect else small
        y = self.doubled(x, self.weight[:, :first], self.is_reflect)
        return y if features is None else y + self.of_features(features, self.weight[:, first:])


class FeatureConv(nn.Cell):
    """3x3 convolution of a map, stride 1, in the form that is fastest on CPU.

    Args:
        is_reflect: whether the border mirrors about the outermost pixels; else it is zero.
    """

    def __init__(self, is_reflect: bool):
        super().__init__()
        self.is_reflect = is_reflect
        # Operators add a frame of zeros by themselves.
        self.pad = 0 if is_reflect else 1
        self.frame, self.whole_tiles = Frame(1, True), Frame(1, is_reflect, TILE)
        self.turned, self.tiled = TurnedConv(3, (self.pad,) * 4), TiledConv()
        self.lean = LeanConv(3, 1, "pad", self.pad)
        self.strips, self.border = StripConvTranspose(3, 1), Frame(0, False)

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, 3, 3) -> (B, out, h, w)."""
        out_channels, height, width = weight.shape[0], x.shape[2], x.shape[3]
        form = fastest_form(x.shape, out_channels, self.training)
        if form == "tiled":
            y = self.tiled(self.whole_tiles(x), weight)
            return y if height % TILE == 0 and width % TILE == 0 else y[:, :, :height, :width]
        if self.is_reflect:
            x = self.frame(x)
        if form == "turned":
            if self.training and strip_count(x.shape[0], out_channels, 3, height, width) > 1:
                return self.strips(x if self.is_reflect else self.border(x), turned_kernel(weight))
            return self.turned(x, weight)
        if self.training and is_lean(x.shape, weight.shape, 1, x.dtype):
            return self.lean(x, weight)
        return ops.Conv2D(out_channels, 3, pad_mode="pad", pad=self.pad)(x, weight)


class DoubledConv(nn.Cell):
    """3x3 convolution of a map whose pixels are repeated to twice its size."""

    def __init__(self):
        super().__init__()
        self.sums = _both_axes(_SUMS)
        self.product, self.swapped = ops.MatMul(transpose_b=True), SwappedRows()
        self.strips, self.border = StripConvTranspose(4, 2), Frame(0, False)

    def construct(self, x, weight, has_frame):
        """(B, in, h, w), (out, in, 3, 3) -> (B, out, 2h, 2w).

        has_frame: x has a border of one pixel more, which lies beside the doubled map; otherwise
        there are zeros.
        """
        batch, channels, height, width = x.shape
        out_channels, frame = weight.shape[0], 2 if has_frame else 0
        kernel = self.swapped(weight.reshape(out_channels, channels, 9)).reshape(-1, 9)
        kernel = self.product(kernel, self.sums).reshape(channels, out_channels, 4, 4)
        height, width = height - frame, width - frame
        if self.training and strip_count(batch, out_channels, 4, height, width) > 1:
            return self.strips(x if has_frame else self.border(x), kernel)
        conv = ops.Conv2DTranspose(channels, 4, pad_mode="pad", pad=1 + frame, stride=2)
        return conv(x, kernel, (batch, out_channels, 2 * height, 2 * width))


class TiledConv(nn.Cell):
    """3x3 convolution of framed maps by Winograd's tiles; equal up to about 1e-5 of the largest."""

    def __init__(self):
        super().__init__()
        self.image = _both_axes(IMAGE_TRANSFORM).reshape(_NUMBERS, 1, WINDOW, WINDOW)
        self.kernel = _both_axes(KERNEL_TRANSFORM)
        self.output = _both_axes(OUTPUT_TRANSFORM.T).reshape(_NUMBERS, 1, TILE, TILE)
        self.cut = ops.Conv2D(_NUMBERS, WINDOW, stride=TILE)
        self.uncut = ops.Conv2DTranspose(1, WINDOW, stride=TILE)
        self.join = ops.Conv2DTranspose(1, TILE, stride=TILE)
        self.unjoin = ops.Conv2D(_NUMBERS, TILE, stride=TILE)
        self.product_rows = ops.MatMul(transpose_b=True)
        self.product_columns = ops.MatMul(transpose_a=True)
        self.product = ops.BatchMatMul()
        self.product_a = ops.BatchMatMul(transpose_a=True)
        self.product_b = ops.BatchMatMul(transpose_b=True)

    def construct(self, x, weight):
        """(B, in, h + 2, w + 2), (out, in, 3, 3) -> (B, out, h, w); h and w of 4."""
        batch, _, height, width = x.shape
        out_channels = weight.shape[0]
        tiles = self.product(self._kernels(ops.depend(weight, x)), self._cut_tiles(x))
        tiles = turned(tiles, _NUMBERS, out_channels, batch)
        height, width = height - 2, width - 2
        tiles = tiles.reshape(batch * out_channels, -1, height // TILE, width // TILE)
        y = self.join(tiles, self.output, (batch * out_channels, 1, height, width))
        return y.reshape(batch, out_channels, height, width)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight, each transform by its adjoint."""
        batch, channels, height, width = x.shape
        out_channels = weight.shape[0]
        dout = dout.reshape(batch * out_channels, 1, *dout.shape[2:])
        tiles = turned(self.unjoin(dout, self.output), batch, out_channels, _NUMBERS)
        tiles = tiles.reshape(_NUMBERS, out_channels, -1)

        # The cut tiles again, rather than kept: they are more than twice as large as x.
        of_kernels = self.product_b(tiles, self._cut_tiles(ops.depend(x, dout)))
        of_kernels = of_kernels.reshape(_NUMBERS, -1)
        of_weight = self.product_columns(of_kernels, self.kernel).reshape(weight.shape)

        of_tiles = self.product_a(self._kernels(ops.depend(weight, dout)), tiles)
        of_tiles = turned(of_tiles, _NUMBERS, channels, batch)
        rows, columns = (height - 2) // TILE, (width - 2) // TILE
        of_tiles = of_tiles.reshape(batch * channels, _NUMBERS, rows, columns)
        of_x = self.uncut(of_tiles, self.image, (batch * channels, 1, height, width))
        return of_x.reshape(x.shape), of_weight

    def _kernels(self, weight):
        """(out, in, 3, 3) -> (36, out, in)."""
        numbers = self.product_rows(self.kernel, weight.reshape(-1, 9))
        return numbers.reshape(_NUMBERS, *weight.shape[:2])

    def _cut_tiles(self, x):
        """(B, C, h, w) -> (36, C, B tiles)."""
        batch, channels, height, width = x.shape
        tiles = self.cut(x.reshape(batch * channels, 1, height, width), self.image)
        return turned(tiles, batch, channels, _NUMBERS).reshape(_NUMBERS, channels, -1)


def _both_axes(matrix):
    return ms.Tensor(np.kron(matrix, matrix).astype(np.float32))


@constexpr
def fastest_form(shape: tuple[int, ...], out_channels: int, is_training: bool) -> str:
    """Of `FeatureConv` for a map (B, C, h, w): "turned", "tiled" or "plain".

    Tiles gain in training because of their gradients, else with many channels and enough tiles. In
    small maps they would be mostly border.
    """
    batch, channels, height, width = shape
    if out_channels <= (32 if is_training else 8):
        return "turned"
    tiles = batch * -(-height // TILE) * -(-width // TILE)
    gains = min(channels, out_channels) >= _LEAST_CHANNELS and tiles >= LEAST_TILES
    return "tiled" if height * width >= _LEAST_PIXELS and (is_training or gains) else "plain"
