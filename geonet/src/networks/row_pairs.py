"""A convolution that halves a map, two rows of the result at a time."""

import mindspore as ms
import numpy as np
from mindspore import nn, ops

MOST_CHANNELS = 16  # of the result; with more of them MindSpore's own operator is as fast on CPU
LEAST_KERNEL = 7


class RowPairConv(nn.Cell):
    """A convolution with stride 2 to few channels.

    On CPU the operator lays out every window of the map, 7 x 7 pixels of 9 channels in the pose
    network, for products with as few kernels as there are channels. A kernel of two rows more that
    holds the kernel twice, the second time two rows lower, gives two rows of the result from half
    of the windows.

    Args:
        kernel_size (int): odd.
        padding (str): "same" or "explicit"; see `ConvLayer`.
    """

    def __init__(self, kernel_size, padding):
        super().__init__()
        self.kernel_size = kernel_size
        before = (kernel_size - 2 if padding == "same" else kernel_size - 1) // 2
        after = kernel_size - 2 - before
        self.pad = (before, after, before, after)
        self.join = ops.Conv2DTranspose(2, (2, 1), stride=(2, 1))
        self.rows = ms.Tensor(np.eye(2, dtype=np.float32).reshape(2, 1, 2, 1))

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (B, out, h / 2, w / 2); h a multiple of 4, w even."""
        batch, channels, height, width = x.shape
        out_channels, size = weight.shape[0], self.kernel_size
        below = ops.zeros((out_channels, channels, 2, size), dtype=x.dtype)
        kernels = ops.stack((ops.concat((weight, below), 2), ops.concat((below, weight), 2)), 1)
        conv = ops.Conv2D(
            2 * out_channels, (size + 2, size), stride=(4, 2), pad_mode="pad", pad=self.pad
        )
        pairs = conv(x, kernels.reshape(-1, channels, size + 2, size))
        pairs = pairs.reshape(batch * out_channels, 2, height // 4, width // 2)
        y = self.join(pairs, self.rows, (batch * out_channels, 1, height // 2, width // 2))
        return y.reshape(batch, out_channels, height // 2, width // 2)
