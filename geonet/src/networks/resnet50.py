"""The U-Net with a ResNet50 encoder: DispNet's usual form, and both flow networks.

As in the original, after Godard et al.'s monodepth, a stage halves the size in its last unit, and
every unit's shortcut is a convolution.
"""

from mindspore import nn

from ..model_utils.cpu_forms import PaddedMaxPool
from ..sfm_utils.frames import Double
from .layers import ConvLayer
from .unet import UNet, up

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


class ResNet50UNet(UNet):
    """Predictions at four scales.

    Args:
        in_channels (int): of the input.
        out_channels, finish: see `UNet`.
    """

    def __init__(self, in_channels, out_channels, finish):
        super().__init__(out_channels, finish)
        self.conv1, self.pool = ConvLayer(in_channels, 64, 7, 2), PaddedMaxPool()
        self.double = Double()
        below, stages = 64, []
        for channels, count in _UNITS:
            stages.append(_stage(below, channels, count))
            below = 4 * channels
        self.stage2, self.stage3, self.stage4, self.stage5 = stages
        self.upconv6, self.iconv6 = up(2048, 512), ConvLayer(512 + 1024, 512, 3)
        self.upconv5, self.iconv5 = up(512, 256), ConvLayer(256 + 512, 256, 3)
        self.add_scales((256, 64, 64))

    def doubled(self, prediction):
        """By repeating pixels."""
        return self.double(prediction)

    def construct(self, x):
        """(B, in_channels, H, W) -> four (B, out_channels, H / 2^s, W / 2^s), s = 0 to 3."""
        conv1 = self.conv1(x)  # H / 2
        pool1 = self.pool(conv1)  # H / 4
        conv2 = self.stage2(pool1)  # H / 8
        conv3 = self.stage3(conv2)
        conv4 = self.stage4(conv3)
        y = self.stage5(conv4)  # H / 64
        y = self.iconv6(self.joined(self.upconv6(y), conv4))
        y = self.iconv5(self.joined(self.upconv5(y), conv3))
        return self.scales(y, conv2, pool1, conv1)
