"""The U-Net with a VGG-like encoder (Zhou et al. 2017): DispNet's smaller form."""

from mindspore import nn, ops

from ..model_utils.resize import Resize
from .layers import ConvLayer, nearest_like

_LEVELS = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))  # channels, kernel


class _Level(nn.Cell):
    """Two convolutions, the first of which halves the size."""

    def __init__(self, in_channels, channels, kernel_size):
        super().__init__()
        self.conv = ConvLayer(in_channels, channels, kernel_size, 2, padding="same")
        self.conv_b = ConvLayer(channels, channels, kernel_size, padding="same")

    def construct(self, x):
        """(B, in_channels, h, w) -> (B, channels, ceil(h / 2), ceil(w / 2))."""
        return self.conv_b(self.conv(x))


class VggUNet(nn.Cell):
    """Predictions at four scales.

    Args:
        in_channels (int): of the input.
        out_channels (int): of each prediction.
        finish (Cell): from a head's output to the prediction, which also enters the next scale.
    """

    def __init__(self, in_channels, out_channels, finish):
        super().__init__()
        levels, below = [], in_channels
        for channels, kernel_size in _LEVELS:
            levels.append(_Level(below, channels, kernel_size))
            below = channels
        self.levels = nn.CellList(levels)
        self.upconv7, self.iconv7 = _up(512, 512), ConvLayer(512 + 512, 512, 3)
        self.upconv6, self.iconv6 = _up(512, 512), ConvLayer(512 + 512, 512, 3)
        self.upconv5, self.iconv5 = _up(512, 256), ConvLayer(256 + 256, 256, 3)
        self.upconv4, self.iconv4 = _up(256, 128), ConvLayer(128 + 128, 128, 3)
        self.head4 = _head(128, out_channels)
        self.upconv3, self.iconv3 = _up(128, 64), ConvLayer(64 + 64 + out_channels, 64, 3)
        self.head3 = _head(64, out_channels)
        self.upconv2, self.iconv2 = _up(64, 32), ConvLayer(32 + 32 + out_channels, 32, 3)
        self.head2 = _head(32, out_channels)
        self.upconv1, self.iconv1 = _up(32, 16), ConvLayer(16 + out_channels, 16, 3)
        self.head1 = _head(16, out_channels)
        self.finish, self.resize, self.double = finish, Resize("nearest"), _Double()

    def construct(self, x):
        """(B, in_channels, H, W) -> four (B, out_channels, H / 2^s, W / 2^s), s = 0 to 3."""
        skips, y = (), x
        for level in self.levels:
            y = level(y)
            skips += (y,)
        conv1, conv2, conv3, conv4, conv5, conv6, y = skips
        y = self.iconv7(ops.concat((nearest_like(self.resize, self.upconv7(y), conv6), conv6), 1))
        y = self.iconv6(ops.concat((nearest_like(self.resize, self.upconv6(y), conv5), conv5), 1))
        y = self.iconv5(ops.concat((nearest_like(self.resize, self.upconv5(y), conv4), conv4), 1))
        y = self.iconv4(ops.concat((self.upconv4(y), conv3), 1))
        fourth = self.finish(self.head4(y))
        y = self.iconv3(ops.concat((self.upconv3(y), conv2, self.double(fourth)), 1))
        third = self.finish(self.head3(y))
        y = self.iconv2(ops.concat((self.upconv2(y), conv1, self.double(third)), 1))
        second = self.finish(self.head2(y))
        y = self.iconv1(ops.concat((self.upconv1(y), self.double(second)), 1))
        return self.finish(self.head1(y)), second, third, fourth


class _Double(nn.Cell):
    """Twice the size by TensorFlow's bilinear rule without align_corners: source = i / 2."""

    def __init__(self):
        super().__init__()
        self.resize = Resize("legacy")

    def construct(self, x):
        """(B, C, h, w) -> (B, C, 2h, 2w)."""
        return self.resize(x, 2 * x.shape[2], 2 * x.shape[3])


def _up(in_channels, out_channels):
    return ConvLayer(in_channels, out_channels, 3, doubles=True)


def _head(in_channels, out_channels):
    return ConvLayer(in_channels, out_channels, 3, is_head=True)
