"""GeoNet's geometry and losses in PyTorch, for comparison only; see torch_geonet.

Batches of sources and directions are arranged as in geonet/src/networks/layout.py.
"""

import torch
from torch import nn
from torch.nn import functional as F

SOURCES = 2


def matrices(vectors, both_ways):
    """(B, S, 6) -> rotations (S B, 3, 3) and translations (S B, 3, 1), or twice as many."""
    vectors = vectors.transpose(0, 1).reshape(-1, 6)
    angles = vectors[:, 3:].clamp(-torch.pi, torch.pi)
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(1), angles.sin().unbind(1)
    rows = [cy * cz, -cy * sz, sy]
    rows += [cx * sz + sx * sy * cz, cx * cz - sx * sy * sz, -sx * cy]
    rows += [sx * sz - cx * sy * cz, sx * cz + cx * sy * sz, cx * cy]
    rotation, translation = torch.stack(rows, 1).reshape(-1, 3, 3), vectors[:, :3, None]
    if not both_ways:
        return rotation, translation
    inverse = rotation.transpose(1, 2)
    return torch.cat((rotation, inverse)), torch.cat((translation, -inverse @ translation))


def places(depth, K, inv_K, motion):
    """Where cameras that moved see the pixels: (B, 2, h, w), pixels."""
    batch, _, height, width = depth.shape
    pixels = torch.cat((grid(height, width), torch.ones(1, 1, height, width)), 1)
    points = inv_K @ pixels.reshape(1, 3, -1) * depth.reshape(batch, 1, -1)
    rotation, translation = motion
    seen = (K @ rotation) @ points + K @ translation
    return (seen[:, :2] / (seen[:, 2:] + 1e-10)).reshape(batch, 2, height, width)


def grid(height, width):
    """x and y of the pixels, (1, 2, h, w)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((x, y))[None].float()


def scaled_camera(K, inv_K, scale, count):
    """`count` times the cameras of 1 / 2^scale of the size."""
    size = torch.tensor([1 << scale, 1 << scale, 1.0])
    return (K / size[:, None]).repeat(count, 1, 1), (inv_K * size).repeat(count, 1, 1)


def sampled(image, where):
    """Bilinear values at places in pixels; 0 outside, and on the last column and row."""
    height, width = image.shape[2:]
    last = torch.tensor([width - 1.0, height - 1.0]).reshape(1, 2, 1, 1)
    inside = ((where >= 0) & (where < last)).all(1, True)
    spots = (where / last * 2 - 1).permute(0, 2, 3, 1)
    return F.grid_sample(image, spots, padding_mode="border", align_corners=True) * inside


def difference(x, y):
    """0.85 (1 - SSIM) / 2 + 0.15 L1 of each channel; windows end at the border."""
    squares = (
        F.avg_pool2d(a, 3, 1, 1, count_include_pad=False) for a in (x, y, x * x, y * y, x * y)
    )
    mean_x, mean_y, xx, yy, xy = squares
    top = (2 * mean_x * mean_y + 0.01**2) * (2 * (xy - mean_x * mean_y) + 0.03**2)
    means = mean_x * mean_x + mean_y * mean_y
    ssim = top / ((means + 0.01**2) * (xx + yy - means + 0.03**2))
    return 0.85 * ((1 - ssim) / 2).clamp(0, 1) + 0.15 * (x - y).abs()


def smoothness(values, image):
    """Edge-aware first differences."""
    total = 0
    for axis in (2, 3):
        weights = torch.exp(-image.diff(dim=axis).abs().mean(1, True))
        total = total + (values.diff(dim=axis).abs() * weights).mean()
    return total


def length(values):
    """(B, C, h, w) -> (B, 1, h, w)."""
    return (values.abs() + 1e-10).norm(dim=1, keepdim=True)


def halves(images, scale, batch):
    """The pyramid's images: all, and as pairs in both directions."""
    level = F.avg_pool2d(images, 1 << scale) if scale else images
    ours, others = level[:batch].repeat(SOURCES, 1, 1, 1), level[batch:]
    return level, torch.cat((ours, others)), torch.cat((others, ours))


class RigidLoss(nn.Module):
    """Four disparities (3 B, 1, h, w), poses, images (3 B, 3, H, W), cameras -> a scalar."""

    def forward(self, d0, d1, d2, d3, poses, images, K, inv_K):
        """See the class."""
        batch, motion, total = len(poses), matrices(poses, True), 0
        for scale, disparities in enumerate((d0, d1, d2, d3)):
            level, ours, others = halves(images, scale, batch)
            depth = 1 / disparities
            depth = torch.cat((depth[:batch].repeat(SOURCES, 1, 1, 1), depth[batch:]))
            camera = scaled_camera(K, inv_K, scale, 2 * SOURCES)
            warped = sampled(others, places(depth, *camera, motion))
            total = total + SOURCES * difference(ours, warped).mean()
            total = total + 0.5 / 2**scale * smoothness(disparities, level)
        return total


class FlowLoss(nn.Module):
    """Four flows (4 B, 2, h, w), images (3 B, 3, H, W) -> a scalar."""

    def forward(self, f0, f1, f2, f3, images):
        """See the class."""
        total = 0
        for scale, flow in enumerate((f0, f1, f2, f3)):
            _, ours, others = halves(images, scale, len(images) // 3)
            where = flow + grid(*flow.shape[2:])
            error = difference(ours, sampled(others, where)).mean(1, True)
            forward, backward = flow.chunk(2)
            apart = (sampled(torch.cat((backward, forward)), where) + flow).abs()
            bound = (0.05 * length(flow) * 2**scale).clamp(min=3)
            mask = (length(apart) * 2**scale < bound).float().detach()
            pixels = halves_sum(mask).clamp(min=1)
            total = total + SOURCES / 2 * (halves_sum(error * mask) / pixels).sum()
            means = halves_sum(apart.mean(1, True) * mask) / pixels
            total = total + 0.2 / 2 * means.sum() + 0.2 / 2**scale * smoothness(flow, ours)
        return total


def halves_sum(maps):
    """Sums of the forward and of the backward maps, (2,)."""
    return maps.reshape(2, -1).sum(1)
