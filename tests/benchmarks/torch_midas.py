"""MidasNet v2.1 in PyTorch, written for the benchmark from the published checkpoint's layout."""

import torch
from torch import nn
from torch.nn import functional as F


def conv3x3(channels_in, channels_out, bias=True):
    """Stride 1, same size."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=bias)


class Bottleneck(nn.Module):
    """torchvision's ResNeXt block: 32 groups of 8 channels in the first stage."""

    def __init__(self, channels, planes, stride):
        super().__init__()
        width = planes * 4
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=32, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or channels != width:
            shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x):
        """(B, channels, h, w) -> (B, 4 planes, h / stride, w / stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class ResidualUnit(nn.Module):
    """The skip carries relu(x), as the published code's in-place ReLU makes it."""

    def __init__(self, features):
        super().__init__()
        self.conv1 = conv3x3(features, features)
        self.conv2 = conv3x3(features, features)

    def forward(self, x):
        """Same shape."""
        x = F.relu(x)
        return self.conv2(F.relu(self.conv1(x), inplace=True)) + x


class FusionBlock(nn.Module):
    """Adds the refined encoder map and doubles the size."""

    def __init__(self, features):
        super().__init__()
        self.resConfUnit1 = ResidualUnit(features)
        self.resConfUnit2 = ResidualUnit(features)

    def forward(self, x, skip=None):
        """(B, features, h, w) -> (B, features, 2h, 2w)."""
        if skip is not None:
            x = x + self.resConfUnit1(skip)
        x = self.resConfUnit2(x)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def encoder():
    """Four stages named as in the checkpoint; the first holds the stem."""
    stages, channels = [], 64
    for i, blocks in enumerate((3, 4, 23, 3)):
        cells = []
        for j in range(blocks):
            cells.append(Bottleneck(channels, 64 * 2**i, 2 if i and not j else 1))
            channels = 256 * 2**i
        stages.append(nn.Sequential(*cells))
    module = nn.Module()
    stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
    module.layer1 = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), stages[0])
    module.layer2, module.layer3, module.layer4 = stages[1:]
    return module


def decoder(features=256):
    """The checkpoint's "scratch" part."""
    module = nn.Module()
    for i in range(4):
        setattr(module, f"layer{i + 1}_rn", conv3x3(256 * 2**i, features, bias=False))
        setattr(module, f"refinenet{i + 1}", FusionBlock(features))
    module.output_conv = nn.Sequential(
        conv3x3(features, 128),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        conv3x3(128, 32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 1, 1),
        nn.ReLU(inplace=True),
    )
    return module


class MidasNet(nn.Module):
    """Inverse depth (B, H, W) of a normalised image (B, 3, H, W)."""

    def __init__(self):
        super().__init__()
        self.pretrained = encoder()
        self.scratch = decoder()

    def forward(self, x):
        """See the class."""
        path, maps = None, []
        for i in range(4):
            x = getattr(self.pretrained, f"layer{i + 1}")(x)
            maps.append(getattr(self.scratch, f"layer{i + 1}_rn")(x))
        for i in (3, 2, 1, 0):
            inputs = (maps[i],) if path is None else (path, maps[i])
            path = getattr(self.scratch, f"refinenet{i + 1}")(*inputs)
        return torch.squeeze(self.scratch.output_conv(path), 1)
