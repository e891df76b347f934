"""Convolutions of maps with a few pixels, as matrix products."""

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

MOST_PIXELS = 8  # of the result; with more of them MindSpore's own operator is as fast on CPU


class FewPixelsConv(nn.Cell):
    """A convolution whose result has so few pixels that its kernels are nearly all of the work.

    On CPU MindSpore's operator rearranges the kernels first, here 512 x 1024 of them for two
    pixels; a matrix product takes them as they lie: a quarter of the time.

    Args:
        kernel_size (int): odd.
        stride (int): 1 or 2.
        padding (str): "same" or "explicit"; see `ConvLayer`.
    """

    def __init__(self, kernel_size, stride, padding):
        super().__init__()
        self.kernel_size, self.stride, self.is_same = kernel_size, stride, padding == "same"
        self.product = ops.MatMul()

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (B, out, ceil(h / stride), ceil(w / stride))."""
        batch, channels, height, width = x.shape
        out_channels, area = weight.shape[0], self.kernel_size**2
        windows = _windows(height, width, self.kernel_size, self.stride, self.is_same)
        x = x.permute(1, 0, 2, 3).reshape(channels * batch, height * width)
        x = self.product(x, windows).reshape(channels, batch, area, -1)
        x = x.permute(0, 2, 1, 3).reshape(channels * area, -1)
        y = self.product(weight.reshape(out_channels, -1), x)
        height, width = -(-height // self.stride), -(-width // self.stride)
        return y.reshape(out_channels, batch, height, width).permute(1, 0, 2, 3)


class ShiftedConv(nn.Cell):
    """3x3 convolution with a zero border, as a 1x1 convolution of nine shifted copies of a map.

    For exported graphs: MindSpore Lite takes 3x3 kernels by Winograd's way, which makes them four
    times as large. Where there are many kernels and few pixels, reading them is all of the work:
    1536 channels to 512 at 4x13 take 4.4 ms instead of 9.2.

    Args:
        out_channels (int): channels.
    """

    def __init__(self, out_channels):
        super().__init__()
        self.pad = ops.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.cut, self.conv = ops.Slice(), ops.Conv2D(out_channels, (1, 1))

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, 3, 3) -> (B, out, h, w)."""
        padded, copies = self.pad(x), ()
        for row in range(3):
            for column in range(3):
                copies += (self.cut(padded, (0, 0, row, column), x.shape),)
        kernel = weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1, 1, 1)
        return self.conv(ops.concat(copies, 1), kernel)


@constexpr
def _windows(height, width, kernel_size, stride, is_same):
    """(h w, k k h' w'): 1 where an output's kernel meets a pixel, for each place in the kernel."""
    rows, columns = (_meetings(n, kernel_size, stride, is_same) for n in (height, width))
    windows = np.einsum("yia,xjb->yxijab", rows, columns)
    return ms.Tensor(windows.reshape(height * width, -1))


def _meetings(length, kernel_size, stride, is_same):
    """(length, k, ceil(length / stride)) float32: the same for one axis."""
    outputs = -(-length // stride)
    before = (kernel_size - 1) // 2
    if is_same:
        before = max((outputs - 1) * stride + kernel_size - length, 0) // 2
    place, output = np.arange(kernel_size)[:, None], np.arange(outputs)
    pixels = np.arange(length)[:, None, None]
    return np.float32(pixels == output * stride + place - before)
