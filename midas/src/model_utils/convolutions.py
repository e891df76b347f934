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

_LEAST_WEIGHTS = 1 << 18
_MOST_NUMBERS = 1 << 24  # of all windows of a map: more take memory that the product does not save
_FEW = 2  # images: one product for each takes less than putting their windows together


class SmallConv(nn.Cell):
    """A convolution of small maps, for training: the gradient of its weights is a matrix product.

    oneDNN's own keeps a buffer as large as the weights while the graph lives, 22 MB for 512
    channels to 512; there are nine such convolutions in Monodepth2. The product takes as long.

    Args:
        kernel_size, stride, pad_mode, pad: as for ops.Conv2D.
    """

    def __init__(self, kernel_size: int, stride: int, pad_mode: str, pad: int = 0):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.pad_mode, self.pad = pad_mode, pad
        self.product = ops.MatMul(transpose_b=True)
        self.products = ops.BatchMatMul(transpose_b=True)

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (B, out, h', w')."""
        return self._conv(weight.shape[0])(x, weight)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight."""
        batch, channels, height, width = x.shape
        out_channels, area = weight.shape[0], self.kernel_size**2
        of_x = ops.Conv2DTranspose(
            out_channels,
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.pad,
            stride=self.stride,
        )(dout, weight, x.shape)
        columns = ops.depend(x, dout)  # cut them when they are needed, not in the forward pass
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
        return of_x, of_weight.reshape(weight.shape)

    def _conv(self, out_channels):
        return ops.Conv2D(
            out_channels,
            self.kernel_size,
            pad_mode=self.pad_mode,
            pad=self.pad,
            stride=self.stride,
        )


@constexpr
def is_small(shape: tuple[int, ...], weight_shape: tuple[int, ...], dtype: object) -> bool:
    """Whether `SmallConv` saves memory for a map (B, C, h, w) and a weight (out, in, k, k)."""
    numbers = math.prod(shape) * math.prod(weight_shape[2:])
    is_gain = numbers <= _MOST_NUMBERS and math.prod(weight_shape) >= _LEAST_WEIGHTS
    return is_gain and dtype == ms.float32


@constexpr
def _places(size):
    """(k k, 1, k, k) kernels that take one pixel of a window each."""
    return ms.Tensor(np.eye(size * size, dtype=np.float32).reshape(-1, 1, size, size))


class Conv3x3(CpuForm):
    """3x3 convolution, stride 1, zero border; on CPU large maps go Winograd's way.

    Args:
        in_channels, out_channels (int): channels.
        has_bias (bool): add a bias.
        weight_init, bias_init: initializers of the (out, in, 3, 3) weight and the (out,) bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        has_bias: bool,
        weight_init: object,
        bias_init: object,
    ):
        super().__init__()
        shape = (out_channels, in_channels, 3, 3)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")
        self.has_bias = has_bias
        if has_bias:
            self.bias = Parameter(initializer(bias_init, (out_channels,)), name="bias")
        self.conv = ops.Conv2D(out_channels, (3, 3), pad_mode="pad", pad=1)
        self.winograd, self.small = WinogradConv(), SmallConv(3, 1, "pad", 1)
        self.bias_add = ops.BiasAdd()

    def construct(self, x):
        """(B, in, h, w) -> (B, out, h, w)."""
        if self.cpu_form and fits(x.shape, x.dtype, self.training):
            x = self.winograd(x, self.weight)
        elif self.cpu_form and self.training and is_small(x.shape, self.weight.shape, x.dtype):
            x = self.small(x, self.weight)
        else:
            x = self.conv(x, self.weight.to(x.dtype))
        return self.bias_add(x, self.bias.to(x.dtype)) if self.has_bias else x
