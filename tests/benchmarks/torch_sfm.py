"""The photometric loss and the convolution blocks of video models in PyTorch, for comparison only.

The loss is written from Monodepth2's paper (Godard et al. 2019, section 3).
"""

import torch
from torch import nn
from torch.nn import functional as F


def ssim_difference(x, y):
    """(1 - SSIM) / 2."""
    x, y = (F.pad(image, (1, 1, 1, 1), mode="reflect") for image in (x, y))
    mean_x, mean_y, xx, yy, xy = (F.avg_pool2d(a, 3, 1) for a in (x, y, x * x, y * y, x * y))
    top = (2 * mean_x * mean_y + 0.01**2) * (2 * (xy - mean_x * mean_y) + 0.03**2)
    squares = mean_x * mean_x + mean_y * mean_y
    return torch.clamp((1 - top / ((squares + 0.01**2) * (xx + yy - squares + 0.03**2))) / 2, 0, 1)


def reprojection(target, image):
    """0.85 (1 - SSIM) / 2 + 0.15 L1, mean over channels."""
    difference = (target - image).abs().mean(1, True)
    return 0.85 * ssim_difference(target, image).mean(1, True) + 0.15 * difference


def smoothness(disparity, image):
    """Of the mean-normalised disparity."""
    disparity = disparity / (disparity.mean((2, 3), True) + 1e-7)
    total = 0
    for axis in (2, 3):
        across = image.diff(dim=axis).abs().mean(1, True)
        total = total + (disparity.diff(dim=axis).abs() * torch.exp(-across)).mean()
    return total


class PhotometricLoss(nn.Module):
    """Of four scales, brought to full size, and two sources; see bench_sfm."""

    def __init__(self, intrinsics, inverse, height, width):
        super().__init__()
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        pixels = torch.stack((x, y, torch.ones_like(x))).reshape(1, 3, -1).float()
        self.intrinsics = torch.from_numpy(intrinsics)
        self.rays = torch.from_numpy(inverse) @ pixels

    def warp(self, depth, pose, image):
        """The target's view of a source image."""
        batch, _, height, width = depth.shape
        points = self.rays * depth.reshape(batch, 1, -1)
        points = torch.cat((points, torch.ones_like(points[:, :1])), 1)
        x, y, z = ((self.intrinsics @ pose[:, :3]) @ points).split(1, 1)
        places = (x / (z + 1e-7) / (width - 1), y / (z + 1e-7) / (height - 1))
        grid = (torch.cat(places, 1) * 2 - 1).reshape(batch, 2, height, width)
        grid = grid.permute(0, 2, 3, 1)
        return F.grid_sample(image, grid, padding_mode="border", align_corners=True)

    def forward(self, d0, d1, d2, d3, pose0, pose1, p0, p1, p2, p3, source0, source1, noise):
        """Four disparities, two poses, four sizes of the target, two sources, noise: a scalar."""
        disparities, pyramid = (d0, d1, d2, d3), (p0, p1, p2, p3)
        poses, sources, target = (pose0, pose1), (source0, source1), p0
        size, total = target.shape[2:], 0
        still = torch.cat([reprojection(target, source) for source in sources], 1) + noise
        for scale, (disparity, image) in enumerate(zip(disparities, pyramid)):
            full = F.interpolate(disparity, size, mode="bilinear", align_corners=False)
            depth = 1 / (0.01 + 9.99 * full)
            warped = [self.warp(depth, pose, source) for pose, source in zip(poses, sources)]
            losses = torch.cat([still, *(reprojection(target, image) for image in warped)], 1)
            total = total + losses.min(1)[0].mean()
            total = total + 1e-3 / 2**scale * smoothness(disparity, image)
        return total / len(disparities)


class Sampling(nn.Module):
    """Bilinear values at places in pixels, the border repeated."""

    def forward(self, x, y, image):
        """(B, h, w) twice, (B, C, H, W) -> (B, C, h, w)."""
        height, width = image.shape[2:]
        grid = torch.stack((x / (width - 1), y / (height - 1)), -1) * 2 - 1
        return F.grid_sample(image, grid, padding_mode="border", align_corners=True)


class DecoderBlock(nn.Module):
    """A small map doubled beside features, reflection, 3x3, ELU."""

    def __init__(self, small, features, out):
        super().__init__()
        self.conv = nn.Conv2d(small + features, out, 3)

    def forward(self, small, *features):
        """Of (B, small, h, w), and (B, features, 2h, 2w) if there are any."""
        x = torch.cat((F.interpolate(small, scale_factor=2, mode="nearest"), *features), 1)
        return F.elu(self.conv(F.pad(x, (1, 1, 1, 1), mode="reflect")))


LastDecoderBlock = DecoderBlock


def stem():
    """The first layers of a ResNet."""
    conv = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions of a ResNet-18, the first with stride 2 where the channels double."""

    def __init__(self, channels, out):
        super().__init__()
        stride = out // channels
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.down = nn.Sequential()
        if stride > 1:
            conv = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.down = nn.Sequential(conv, nn.BatchNorm2d(out))

    def forward(self, x):
        """(B, channels, h, w) -> (B, out, h / stride, w / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.down(x))


def arranged(array, form):
    """A tensor, as channels last if that is the form."""
    tensor = torch.from_numpy(array)
    if form == "channels_last" and tensor.ndim == 4:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    return tensor


def step_of(net, arrays, learned, weights, form):
    """As mindspore_sfm.step_of, in one of PyTorch's forms."""
    if form == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    arguments = [arranged(array, form) for array in arrays]
    weights = arranged(weights, form)
    learned = [*arguments[:learned], *net.parameters()]
    for tensor in learned:
        tensor.requires_grad_()
    net = torch.compile(net) if form == "compile" else net

    def step():
        net(*arguments).backward(weights)
        for tensor in learned:
            tensor.grad = None

    return step
