"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Convolutions of large maps by strips of rows, for training on CPU.

oneDNN lays out all windows of an image that a kernel meets (im2col), and MindSpore's convolutions
keep that space, for each core, while the graph lives: 69 MB for 3x3 windows of 32 channels at
96x320. Strips that are images of their own need as much for their own rows only, and take as long.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

_MOST_NUMBERS = 1 << 21  # in the windows of one image: with more it is cut
_MOST_IMAGES = 4  # of more the copies in strips take more than they save
_LEAST_ROWS = 4  # of a strip's result: with fewer most rows would belong to two strips


@constexpr
def strip_count(batch: int, channels: int, kernel_size: int, rows: int, columns: int) -> int:
    """How many strips an image is cut into that has so many windows of k x k; 1: it is not cut.

    Args:
        batch: images.
        channels: of a window.
        rows, columns: places of windows.
    """
    count, numbers = 1, channels * kernel_size**2 * rows * columns
    if batch > _MOST_IMAGES:
        return count
    for more in range(2, rows // _LEAST_ROWS + 1):
        if numbers > count * _MOST_NUMBERS and rows % more == 0:
            count = more
    return count


def cut(x: ms.Tensor, count: int, step: int, rows: int) -> ms.Tensor:
    """(B, C, h, w) -> (B count, C, rows, w): strips that begin every `step` rows."""
    batch, channels, height, width = x.shape
    order = _rows(batch, channels, height, count, step, rows)
    return ops.gather(x.reshape(-1, width), order, 0).reshape(-1, channels, rows, width)


def joined(strips: ms.Tensor, count: int) -> ms.Tensor:
    """(B count, C, h, w) -> (B, C, count h, w)."""
    total, channels, height, width = strips.shape
    order = _strips(total // count, count, channels)
    whole = ops.gather(strips.reshape(total * channels, -1), order, 0)
    return whole.reshape(-1, channels, count * height, width)


class WeightGradient(nn.Cell):
    """The gradient of a convolution's weights.

    Args:
        kernel_size, stride, pad: as for ops.Conv2D.
    """

    def __init__(self, kernel_size: int, stride: int, pad: int):
        super().__init__()
        self.conv = _Conv(kernel_size, stride, pad)

    def construct(self, x, weight, dout):
        """(B, in, h, w), (out, in, k, k), (B, out, h', w') -> (out, in, k, k)."""
        # As an attribute it would keep the network out of the graph cache.
        gradients = ops.GradOperation(get_all=True, sens_param=True)
        return gradients(self.conv)(x, weight, dout)[1]


class _Conv(nn.Cell):
    def __init__(self, kernel_size, stride, pad):
        super().__init__()
        self.kernel_size, self.stride, self.pad = kernel_size, stride, pad

    def construct(self, x, weight):
        out_channels, kernel_size = weight.shape[0], self.kernel_size
        conv = ops.Conv2D(
            out_channels, kernel_size, pad_mode="pad", pad=self.pad, stride=self.stride
        )
        return conv(x, weight)


class StripConvTranspose(nn.Cell):
    """A transposed convolution with a pad of k - 1, by strips.

    With that pad no row of the result needs zeros beyond the map, so that the rows of a strip are
    those of the whole.

    Args:
        kernel_size, stride: as for ops.Conv2DTranspose.
    """

    def __init__(self, kernel_size: int, stride: int):
        super().__init__()
        self.kernel_size, self.stride, self.pad = kernel_size, stride, kernel_size - 1
        self.of_weight = WeightGradient(kernel_size, stride, self.pad)

    def construct(self, x, weight):
        """(B, in, h, w), (in, out, k, k) -> (B, out, s h - f, s w - f); s stride, f = s + k - 2."""
        batch, channels, height, width = x.shape
        out_channels, frame = weight.shape[1], self.kernel_size + self.stride - 2
        height, width = self.stride * height - frame, self.stride * width - frame
        strips, count = self._cut(x, out_channels, height, width)
        conv = ops.Conv2DTranspose(
            channels, self.kernel_size, pad_mode="pad", pad=self.pad, stride=self.stride
        )
        y = conv(strips, weight, (batch * count, out_channels, height // count, width))
        return joined(y, count)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight."""
        channels, out_channels = weight.shape[:2]
        conv = ops.Conv2D(
            channels, self.kernel_size, pad_mode="pad", pad=self.pad, stride=self.stride
        )
        # Cut when the strips are needed, not in the forward pass.
        x = ops.depend(x, dout)
        strips, count = self._cut(x, out_channels, dout.shape[2], dout.shape[3])
        rows = dout.shape[2] // count
        return conv(dout, weight), self.of_weight(cut(dout, count, rows, rows), weight, strips)

    def _cut(self, x, out_channels, height, width):
        """Strips of x, and how many make one map of the result, of height x width."""
        places, columns = height // self.stride, width // self.stride
        count = strip_count(x.shape[0], out_channels, self.kernel_size, places, columns)
        step = places // count
        return cut(x, count, step, x.shape[2] - (count - 1) * step), count


@constexpr
def _rows(batch, channels, height, count, step, rows):
    image, strip, channel, row = np.ogrid[:batch, :count, :channels, :rows]
    order = (image * channels + channel) * height + strip * step + row
    return ms.Tensor(order.astype(np.int32).ravel())


@constexpr
def _strips(batch, count, channels):
    places = np.arange(batch * count * channels, dtype=np.int32)
    return ms.Tensor(places.reshape(batch, count, channels).transpose(0, 2, 1).ravel())
