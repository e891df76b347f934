"""DepthNet in PyTorch, for comparison only: same layers, same weights, same training loss."""

import torch
from torch import nn
from torch.nn import functional as F


class CoarseNet(nn.Module):
    """See depthnet/src/networks.py; parameter names are equal."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, padding=3)
        self.conv2 = nn.Conv2d(64, 128, 5)
        self.conv3 = nn.Conv2d(128, 256, 3, padding=1)
        self.conv4 = nn.Conv2d(256, 512, 3, padding=1)
        self.conv5 = nn.Conv2d(512, 512, 3, padding=1)
        self.deconv6 = nn.ConvTranspose2d(512, 256, 2, stride=2)
        self.conv7 = nn.Conv2d(512, 128, 3, padding=1)
        self.deconv8 = nn.ConvTranspose2d(128, 64, 2, stride=2)
        self.conv9 = nn.Conv2d(192, 64, 3)
        self.conv10 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv11 = nn.Conv2d(32, 16, 3, padding=1)
        self.conv12 = nn.Conv2d(16, 1, 3, padding=1)
        self.fc13 = nn.Linear(4070, 4070)

    def forward(self, rgb):
        x1 = F.max_pool2d(F.relu(self.conv1(rgb)), 2)
        x2 = F.max_pool2d(F.relu(self.conv2(F.pad(x1, (2, 2, 1, 1)))), 2)
        x3 = F.max_pool2d(F.relu(self.conv3(x2)), 2)
        x = F.max_pool2d(F.relu(self.conv4(x3)), 2)
        for _ in range(3):
            x = F.relu(self.conv5(x))
        x = F.relu(self.deconv6(x))
        x = F.relu(self.conv7(torch.cat((x3, x), 1)))
        x = F.relu(self.deconv8(x))
        x = F.relu(self.conv9(F.pad(torch.cat((x2, x), 1), (0, 0, 1, 0))))
        x = self.conv12(self.conv11(self.conv10(x)))
        return self.fc13(x.flatten(1)).reshape(-1, 1, 55, 74)


class FineNet(nn.Module):
    """See depthnet/src/networks.py."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 63, 9, stride=2, bias=False)
        self.conv2 = nn.Conv2d(64, 64, 5, padding=2, bias=False)
        self.conv3 = nn.Conv2d(64, 1, 5, padding=2, bias=False)

    def forward(self, rgb, coarse):
        x = F.max_pool2d(F.relu(self.conv1(rgb)), 2)
        return self.conv3(F.relu(self.conv2(torch.cat((x, coarse), 1))))


class Both(nn.Module):
    """Both stages, RGB -> log-depth."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.coarse, self.fine = coarse, fine

    def forward(self, rgb):
        return self.fine(rgb, self.coarse(rgb))


def loss(prediction, target):
    """See depthnet/src/losses.py."""
    d = torch.log(target.clamp(0.1, 10)) - prediction
    edges = (d[:, :, 1:] - d[:, :, :-1]).abs().sum((1, 2, 3))
    edges = edges + (d[..., 1:] - d[..., :-1]).abs().sum((1, 2, 3))
    mean = d.mean((1, 2, 3))
    per_sample = d.abs().mean((1, 2, 3)) + edges / d[0].numel() + (d * d).mean((1, 2, 3))
    return (per_sample - 0.5 * mean * mean).mean()
