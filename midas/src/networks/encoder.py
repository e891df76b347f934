"""The ResNeXt encoder (He et al. 2016, Xie et al. 2017) with the parameter names of MiDaS."""

from mindspore import nn
from mindspore.common.initializer import HeNormal

from ..model_utils.cpu_forms import PaddedMaxPool
from .grouped_conv import GroupedConv


def _fan_out():
    return HeNormal(mode="fan_out", nonlinearity="relu")


def _conv(in_channels, out_channels, kernel_size, stride=1):
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size=kernel_size,
        stride=stride,
        pad_mode="pad",
        padding=kernel_size // 2,
        has_bias=False,
        weight_init=_fan_out(),
    )


def _norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)


class Bottleneck(nn.Cell):
    """1x1, grouped 3x3 and 1x1 convolution beside a skip connection.

    Args:
        in_channels (int): channels in.
        planes (int): a quarter of the channels out.
        stride (int): of the 3x3 convolution and the skip connection.
        groups, width_per_group (int): the 3x3 convolution has
            planes * width_per_group / 64 * groups channels.
        grouped_conv (str): see `GroupedConv`.
    """

    def __init__(self, in_channels, planes, stride, groups, width_per_group, grouped_conv):
        super().__init__()
        width = planes * width_per_group // 64 * groups
        self.conv1 = _conv(in_channels, width, 1)
        self.bn1 = _norm(width)
        self.conv2 = GroupedConv(width, stride, groups, grouped_conv, _fan_out())
        self.bn2 = _norm(width)
        self.conv3 = _conv(width, planes * 4, 1)
        self.bn3 = _norm(planes * 4)
        self.relu = nn.ReLU()
        self.has_downsample = stride != 1 or in_channels != planes * 4
        if self.has_downsample:
            self.downsample = nn.SequentialCell(
                _conv(in_channels, planes * 4, 1, stride), _norm(planes * 4)
            )

    def construct(self, x):
        """(B, in_channels, h, w) -> (B, 4 planes, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.has_downsample:
            x = self.downsample(x)
        return self.relu(y + x)


class Encoder(nn.Cell):
    """ResNeXt without its classifier; layer1 holds the stem as in the published checkpoint.

    Args:
        layers (list of int): residual blocks of the four stages.
        groups, width_per_group, grouped_conv: see `Bottleneck`.
        same_pool (bool): the stem's max-pool pads an even side at the end only (model zoo).
    """

    def __init__(self, layers, groups, width_per_group, same_pool, grouped_conv):
        super().__init__()
        stages = []
        channels = 64
        for i, blocks in enumerate(layers):
            planes = 64 * 2**i
            cells = []
            for j in range(blocks):
                stride = 2 if i > 0 and j == 0 else 1
                cells.append(
                    Bottleneck(channels, planes, stride, groups, width_per_group, grouped_conv)
                )
                channels = 4 * planes
            stages.append(nn.SequentialCell(cells))
        pool = (
            nn.MaxPool2d(kernel_size=3, stride=2, pad_mode="same") if same_pool else PaddedMaxPool()
        )
        self.layer1 = nn.SequentialCell(_conv(3, 64, 7, 2), _norm(64), nn.ReLU(), pool, stages[0])
        self.layer2, self.layer3, self.layer4 = stages[1:]

    def construct(self, x):
        """(B, 3, H, W) -> four maps of 256, 512, 1024, 2048 channels at 1/4, 1/8, 1/16, 1/32."""
        layer1 = self.layer1(x)
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return layer1, layer2, layer3, self.layer4(layer3)
