"""ResNet encoders (He et al. 2016) of one image or of several stacked ones.

Parameters have the names of the published checkpoints; the classifier is left out.
"""

from mindspore import nn, ops
from mindspore.common.initializer import HeNormal

from ..model_utils.convolutions import Conv
from ..model_utils.cpu_forms import PaddedMaxPool

# Layers: (blocks of the four stages, whether they are bottlenecks).
DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def _fan_out():
    return HeNormal(mode="fan_out", nonlinearity="relu")


def _conv(in_channels, out_channels, kernel_size, stride=1):
    return Conv(in_channels, out_channels, kernel_size, _fan_out(), stride=stride)


def _norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)


class _Block(nn.Cell):
    """What both kinds of block share: the skip connection."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.relu = nn.ReLU()
        self.has_downsample = stride != 1 or in_channels != out_channels
        if self.has_downsample:
            conv = _conv(in_channels, out_channels, 1, stride)
            self.downsample = nn.SequentialCell(conv, _norm(out_channels))

    def _joined(self, x, y):
        if self.has_downsample:
            x = self.downsample(x)
        return self.relu(y + x)


class BasicBlock(_Block):
    """Two 3x3 convolutions beside a skip connection; see `Bottleneck`."""

    expansion = 1

    def __init__(self, in_channels, planes, stride):
        super().__init__(in_channels, planes, stride)
        self.conv1, self.bn1 = _conv(in_channels, planes, 3, stride), _norm(planes)
        self.conv2, self.bn2 = _conv(planes, planes, 3), _norm(planes)

    def construct(self, x):
        """(B, in_channels, h, w) -> (B, planes, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        return self._joined(x, self.bn2(self.conv2(y)))


class Bottleneck(_Block):
    """1x1, 3x3 and 1x1 convolution beside a skip connection.

    Args:
        in_channels (int): channels in.
        planes (int): a quarter of the channels out.
        stride (int): of the 3x3 convolution (as in torchvision) and of the skip connection.
    """

    expansion = 4

    def __init__(self, in_channels, planes, stride):
        super().__init__(in_channels, 4 * planes, stride)
        self.conv1, self.bn1 = _conv(in_channels, planes, 1), _norm(planes)
        self.conv2, self.bn2 = _conv(planes, planes, 3, stride), _norm(planes)
        self.conv3, self.bn3 = _conv(planes, 4 * planes, 1), _norm(4 * planes)

    def construct(self, x):
        """(B, in_channels, h, w) -> (B, 4 planes, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self._joined(x, self.bn3(self.conv3(y)))


class _ResNet(nn.Cell):
    def __init__(self, num_layers, in_channels):
        super().__init__()
        counts, is_deep = DEPTHS[num_layers]
        block = Bottleneck if is_deep else BasicBlock
        self.conv1, self.bn1 = _conv(in_channels, 64, 7, 2), _norm(64)
        self.relu, self.maxpool = nn.ReLU(), PaddedMaxPool()
        stages, channels = [], 64
        for stage, count in enumerate(counts):
            planes, blocks = 64 * 2**stage, []
            for number in range(count):
                stride = 2 if stage and not number else 1
                blocks.append(block(channels, planes, stride))
                channels = planes * block.expansion
            stages.append(nn.SequentialCell(blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def construct(self, x):
        """(B, C, H, W) -> five maps at 1/2 to 1/32; the first one before the max-pool."""
        first = self.relu(self.bn1(self.conv1(x)))
        layer1 = self.layer1(self.maxpool(first))
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return first, layer1, layer2, layer3, self.layer4(layer3)


class ResnetEncoder(nn.Cell):
    """Features of one image, or of several that are stacked along the channels.

    The original knows several images for 18 and 50 layers only; here every depth takes them.

    Args:
        num_layers (int): 18, 34, 50, 101 or 152.
        num_input_images (int): how many images are stacked.
    Attributes:
        num_ch_enc: channels of the five maps.
    """

    def __init__(self, num_layers=18, num_input_images=1):
        super().__init__()
        expansion = 4 if DEPTHS[num_layers][1] else 1
        self.num_layers = num_layers
        self.num_ch_enc = [64, *(expansion * channels for channels in (64, 128, 256, 512))]
        self.encoder = _ResNet(num_layers, 3 * num_input_images)
        # On CPU `/` would list the places of all numbers, 16 bytes for each.
        self.divide = ops.RealDiv()

    def construct(self, image):
        """(B, 3 n, H, W), RGB 0..1 -> five maps at 1/2, 1/4, 1/8, 1/16, 1/32."""
        return self.encoder(self.divide(image - 0.45, 0.225))
