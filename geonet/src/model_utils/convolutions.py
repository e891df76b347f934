"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Convolutions that take the form which suits the CPU.
"""

from __future__ import annotations

import math

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer
from mindspore.ops import constexpr

from .cpu_forms import CpuForm, WinogradConv, fits, turned
from .strips import WeightGradient, cut, strip_count

_LEAST_WEIGHTS = 1 << 18
_MOST_NUMBERS = 1 << 24  # of all windows of a map: more take memory that the product does not save
_FEW = 2  # images: one product for each takes less than putting their windows together


class LeanConv(nn.Cell):
    """A convolution for training, whose gradient of the weights takes little memory.

    oneDNN's own keeps a buffer as large as the weights while the graph lives, 22 MB for 512
    channels to 512; there are nine such convolutions in Monodepth2. With many weights it is a
    matrix product here, which takes as long. Of large maps it is computed by strips; see `strips`.

    Args:
        kernel_size, stride, pad_mode, pad: as for ops.Conv2D.
    """

    def __init__(self, kernel_size: int, stride: int, pad_mode: str, pad: int = 0):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.pad_mode, self.pad = pad_mode, pad
        self.product = ops.MatMul(transpose_b=True)
        self.products = ops.BatchMatMul(transpose_b=True)
        self.of_weight = WeightGradient(kernel_size, stride, 0)

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (B, out, h', w')."""
        return self._conv(weight.shape[0])(x, weight)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight."""
        of_x = ops.Conv2DTranspose(
            weight.shape[0],
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.pad,
            stride=self.stride,
        )(dout, weight, x.shape)
        # Windows and strips are cut when they are needed, not in the forward pass.
        x = ops.depend(x, dout)
        if has_product(x.shape, weight.shape):
            return of_x, self._by_product(x, weight, dout)
        return of_x, self._by_strips(x, weight, dout)

    def _by_product(self, x, weight, dout):
        batch, channels, height, width = x.shape
        out_channels, area = weight.shape[0], self.kernel_size**2
        columns = x
        if area > 1 or self.stride > 1 or self.pad:
            columns = columns.reshape(batch * channels, 1, height, width)
            columns = self._conv(area)(columns, _places(self.kernel_size))
        if batch <= _FEW:
            rows = dout.reshape(batch, out_channels, -1)
            of_weight = self.products(rows, columns.reshape(batch, channels * area, -1)).sum(0)
        else:
            rows = turned(dout, batch, 1, out_channels).reshape(out_channels, -1)
            columns = turned(columns, batch, 1, channels * area).reshape(channels * area, -1)
            of_weight = self.product(rows, columns)
        return of_weight.reshape(weight.shape)

    def _by_strips(self, x, weight, dout):
        height, width = dout.shape[2], dout.shape[3]
        x = self._framed(self._framed(x, 2, height), 3, width)
        count = strip_count(x.shape[0], weight.shape[1], self.kernel_size, height, width)
        rows = height // count
        large = cut(x, count, rows * self.stride, (rows - 1) * self.stride + self.kernel_size)
        return self.of_weight(large, weight, cut(dout, count, rows, rows))

    def _framed(self, x, axis, places):
        """x with the zeros that so many windows meet along an axis."""
        beyond = (places - 1) * self.stride + self.kernel_size - x.shape[axis]
        before = max(beyond, 0) // 2 if self.pad_mode == "same" else self.pad
        return ops.concat((*_zeros(x, axis, before), x, *_zeros(x, axis, beyond - before)), axis)

    def _conv(self, out_channels):
        return ops.Conv2D(
            out_channels,
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.pad,
            stride=self.stride,
        )


def _zeros(x, axis, count):
    """A tuple of `count` rows or columns of zeros, beside x; of nothing where there are none."""
    if count <= 0:
        return ()
    shape = x.shape[:axis] + (count,) + x.shape[axis + 1 :]
    return (ops.zeros(shape, dtype=x.dtype),)


def is_lean(
    shape: tuple[int, ...], weight_shape: tuple[int, ...], stride: int, dtype: object
) -> bool:
    """Whether `LeanConv` saves memory for a map (B, C, h, w) and a weight (out, in, k, k)."""
    rows, columns = -(-shape[2] // stride), -(-shape[3] // stride)
    is_cut = strip_count(shape[0], weight_shape[1], weight_shape[2], rows, columns) > 1
    return (is_cut or has_product(shape, weight_shape)) and dtype == ms.float32


@constexpr
def has_product(shape: tuple[int, ...], weight_shape: tuple[int, ...]) -> bool:
    """Whether `LeanConv` computes the gradient of the weights by a matrix product."""
    numbers = math.prod(shape) * math.prod(weight_shape[2:])
    return numbers <= _MOST_NUMBERS and math.prod(weight_shape) >= _LEAST_WEIGHTS


@constexpr
def _places(size):
    """(k k, 1, k, k) kernels that take one pixel of a window each."""
    return ms.Tensor(np.eye(size * size, dtype=np.float32).reshape(-1, 1, size, size))


class Conv(CpuForm):
    """A convolution with a zero border of k // 2 pixels, in the form that suits the CPU.

    Large maps go Winograd's way where the kernel is 3x3 and the stride 1.

    Args:
        in_channels, out_channels: channels.
        kernel_size: odd.
        weight_init, bias_init: initializers of the (out, in, k, k) weight and the (out,) bias;
            without the latter there is no bias.
        stride: in both directions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        weight_init: object,
        bias_init: object = None,
        stride: int = 1,
    ):
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")
        self.has_bias = bias_init is not None
        if self.has_bias:
            self.bias = Parameter(initializer(bias_init, (out_channels,)), name="bias")
        border = {"pad_mode": "pad", "pad": kernel_size // 2}
        self.conv = ops.Conv2D(out_channels, shape[2:], stride=stride, **border)
        self.lean, self.stride = LeanConv(kernel_size, stride, **border), stride
        self.has_tiles = kernel_size == 3 and stride == 1
        self.winograd, self.bias_add = WinogradConv(), ops.BiasAdd()

    def construct(self, x):
        """(B, in, h, w) -> (B, out, ceil(h / stride), ceil(w / stride))."""
        x = self._convolved(x)
        return self.bias_add(x, self.bias.to(x.dtype)) if self.has_bias else x

    def _convolved(self, x):
        weight = self.weight
        if self.cpu_form and self.has_tiles and fits(x.shape, x.dtype, self.training):
            return self.winograd(x, weight)
        if self.cpu_form and self.training and is_lean(x.shape, weight.shape, self.stride, x.dtype):
            return self.lean(x, weight)
        return self.conv(x, weight.to(x.dtype))
