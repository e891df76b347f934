"""The U-Net with a VGG-like encoder (Zhou et al. 2017): DispNet's smaller form."""

from mindspore import nn

from ..model_utils.resize import Resize
from .layers import ConvLayer
from .unet import UNet, up

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


class VggUNet(UNet):
    """Predictions at four scales.

    Args:
        in_channels (int): of the input.
        out_channels, finish: see `UNet`.
    """

    def __init__(self, in_channels, out_channels, finish):
        super().__init__(out_channels, finish)
        levels, below = [], in_channels
        for channels, kernel_size in _LEVELS:
            levels.append(_Level(below, channels, kernel_size))
            below = channels
        self.levels = nn.CellList(levels)
        self.upconv7, self.iconv7 = up(512, 512), ConvLayer(512 + 512, 512, 3)
        self.upconv6, self.iconv6 = up(512, 512), ConvLayer(512 + 512, 512, 3)
        self.upconv5, self.iconv5 = up(512, 256), ConvLayer(256 + 256, 256, 3)
        self.add_scales((128, 64, 32))
        self.bilinear = Resize("legacy")

    def doubled(self, prediction):
        """By TensorFlow's bilinear rule without align_corners: source = i / 2."""
        return self.bilinear(prediction, 2 * prediction.shape[2], 2 * prediction.shape[3])

    def construct(self, x):
        """(B, in_channels, H, W) -> four (B, out_channels, H / 2^s, W / 2^s), s = 0 to 3."""
        skips, y = (), x
        for level in self.levels:
            y = level(y)
            skips += (y,)
        conv1, conv2, conv3, conv4, conv5, conv6, y = skips
        y = self.iconv7(self.joined(self.upconv7(y), conv6))
        y = self.iconv6(self.joined(self.upconv6(y), conv5))
        y = self.iconv5(self.joined(self.upconv5(y), conv4))
        return self.scales(y, conv3, conv2, conv1)
