"""The U-Net with a ResNet50 encoder: DispNet's usual form, and both flow networks.

As in the original, after Godard et al.'s monodepth, a stage halves the size in its last unit, and
every unit's shortcut is a convolution.
"""

from mindspore import nn, ops

from ..model_utils.cpu_forms import PaddedMaxPool
from ..model_utils.resize import Resize
from ..sfm_utils.decoder_conv import double
from .layers import ConvLayer, nearest_like

_UNITS = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels and number of units of each stage


class _Unit(nn.Cell):
    """A bottleneck; cells are in the original's order, which numbers its variables."""

    def __init__(self, in_channels, channels, stride):
        super().__init__()
        self.conv1 = ConvLayer(in_channels, channels, 1)
        self.conv2 = ConvLayer(channels, channels, 3, stride)
        self.conv3 = ConvLayer(channels, 4 * channels, 1, has_relu=False)
        self.shortcut = ConvLayer(in_channels, 4 * channels, 1, stride, has_relu=False)
        self.relu = nn.ReLU()

    def construct(self, x):
        """(B, in_channels, h, w) -> (B, 4 channels, h / stride, w / stride)."""
        return self.relu(self.conv3(self.conv2(self.conv1(x))) + self.shortcut(x))


def _stage(in_channels, channels, count):
    units = []
    for number in range(count):
        stride = 2 if number == count - 1 else 1
        units.append(_Unit(in_channels, channels, stride))
        in_channels = 4 * channels
    return nn.SequentialCell(units)


class ResNet50UNet(nn.Cell):
    """Predictions at four scales.

    Args:
        in_channels (int): of the input.
        out_channels (int): of each prediction.
        finish (Cell): from a head's output to the prediction, which also enters the next scale.
    """

    def __init__(self, in_channels, out_channels, finish):
        super().__init__()
        self.conv1, self.pool = ConvLayer(in_channels, 64, 7, 2), PaddedMaxPool()
        below, stages = 64, []
        for channels, count in _UNITS:
            stages.append(_stage(below, channels, count))
            below = 4 * channels
        self.stage2, self.stage3, self.stage4, self.stage5 = stages
        self.upconv6, self.iconv6 = _up(2048, 512), ConvLayer(512 + 1024, 512, 3)
        self.upconv5, self.iconv5 = _up(512, 256), ConvLayer(256 + 512, 256, 3)
        self.upconv4, self.iconv4 = _up(256, 128), ConvLayer(128 + 256, 128, 3)
        self.head4 = _head(128, out_channels)
        self.upconv3, self.iconv3 = _up(128, 64), ConvLayer(64 + 64 + out_channels, 64, 3)
        self.head3 = _head(64, out_channels)
        self.upconv2, self.iconv2 = _up(64, 32), ConvLayer(32 + 64 + out_channels, 32, 3)
        self.head2 = _head(32, out_channels)
        self.upconv1, self.iconv1 = _up(32, 16), ConvLayer(16 + out_channels, 16, 3)
        self.head1 = _head(16, out_channels)
        self.finish, self.resize = finish, Resize("nearest")

    def construct(self, x):
        """(B, in_channels, H, W) -> four (B, out_channels, H / 2^s, W / 2^s), s = 0 to 3."""
        conv1 = self.conv1(x)  # H / 2
        pool1 = self.pool(conv1)  # H / 4
        conv2 = self.stage2(pool1)  # H / 8
        conv3 = self.stage3(conv2)
        conv4 = self.stage4(conv3)
        y = self.stage5(conv4)  # H / 64
        y = self.iconv6(ops.concat((nearest_like(self.resize, self.upconv6(y), conv4), conv4), 1))
        y = self.iconv5(ops.concat((nearest_like(self.resize, self.upconv5(y), conv3), conv3), 1))
        y = self.iconv4(ops.concat((nearest_like(self.resize, self.upconv4(y), conv2), conv2), 1))
        fourth = self.finish(self.head4(y))
        y = self.iconv3(ops.concat((self.upconv3(y), pool1, double(fourth)), 1))
        third = self.finish(self.head3(y))
        y = self.iconv2(ops.concat((self.upconv2(y), conv1, double(third)), 1))
        second = self.finish(self.head2(y))
        y = self.iconv1(ops.concat((self.upconv1(y), double(second)), 1))
        return self.finish(self.head1(y)), second, third, fourth


def _up(in_channels, out_channels):
    return ConvLayer(in_channels, out_channels, 3, doubles=True)


def _head(in_channels, out_channels):
    return ConvLayer(in_channels, out_channels, 3, is_head=True)
