"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

How alike two images are: structural similarity (Wang et al. 2004) and absolute differences.

Conventions
    Images (B, C, H, W), 0..1 or -1..1, H and W at least 2; maps of an image's shape, 0 is equal.
    Windows are 3 x 3, one around each pixel. Variances are differences of moments, as in both
    originals. The target gets no gradient.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

from ..model_utils.cpu_forms import CpuForm
from .similarity_cpu import CpuSimilarity

BORDERS = ("reflect", "same")
SSIM_SHARE = 0.85
_C1, _C2 = 0.01**2, 0.03**2


class WindowMean(nn.Cell):
    """Means over 3 x 3 windows.

    Args:
        border: "reflect" mirrors the image about its outermost pixels (Monodepth2), "same" takes
            the mean of the pixels that are inside (GeoNet).
    Raises:
        ValueError: an unknown border.
    """

    def __init__(self, border: str):
        super().__init__()
        if border not in BORDERS:
            raise ValueError(f"border {border!r}: choose one of {', '.join(BORDERS)}")
        self.is_reflect = border == "reflect"

    def construct(self, image):
        """(B, C, H, W) -> (B, C, H, W)."""
        height, width = image.shape[2:]
        above, below = image[:, :, 1:2], image[:, :, height - 2 : height - 1]
        if not self.is_reflect:
            above, below = ops.zeros_like(above), ops.zeros_like(below)
        rows = ops.concat((above, image, below), 2)
        sums = rows[:, :, :height] + rows[:, :, 1 : height + 1] + rows[:, :, 2:]
        left, right = sums[:, :, :, 1:2], sums[:, :, :, width - 2 : width - 1]
        if not self.is_reflect:
            left, right = ops.zeros_like(left), ops.zeros_like(right)
        columns = ops.concat((left, sums, right), 3)
        sums = columns[:, :, :, :width] + columns[:, :, :, 1 : width + 1] + columns[:, :, :, 2:]
        return sums * (1 / 9) if self.is_reflect else sums / _count(height, width)


class Similarity(CpuForm):
    """Means over channels of 0.85 (1 - SSIM) / 2 + 0.15 L1 between a target and an image like it.

    Args:
        border: see `WindowMean`.
        use_ssim: False leaves the absolute difference alone.
        share: of the structural similarity, 0.85 in both papers.
    """

    def __init__(self, border: str, use_ssim: bool = True, share: float = SSIM_SHARE):
        super().__init__()
        self.mean = WindowMean(border)
        self.use_ssim, self.share = use_ssim, share
        if self.cpu_form:
            self.on_cpu = CpuSimilarity(border == "reflect", share)

    def dissimilarity(self, target: ms.Tensor, image: ms.Tensor) -> ms.Tensor:
        """(1 - SSIM) / 2, within 0..1: (B, C, H, W) twice -> (B, C, H, W)."""
        target_mean, mean = self.mean(target), self.mean(image)
        product, target_square, square = target_mean * mean, target_mean * target_mean, mean * mean
        covariance = self.mean(target * image) - product
        variances = (self.mean(target * target) - target_square) + (
            self.mean(image * image) - square
        )
        top = (product + _C1 / 2) * (covariance + _C2 / 2)
        bottom = (target_square + square + _C1) * (variances + _C2)
        return ops.clamp(0.5 - 2 * top / bottom, 0, 1)

    def construct(self, target, image):
        """(B, C, H, W), (K B, C, H, W) -> (K B, 1, H, W): K images for each target."""
        if self.use_ssim and self.cpu_form:
            return self.on_cpu(target, image)
        target = ops.tile(target, (image.shape[0] // target.shape[0], 1, 1, 1))
        return channel_mean(self.difference(target, image))

    def difference(self, target: ms.Tensor, image: ms.Tensor) -> ms.Tensor:
        """The measure of each channel: (B, C, H, W) twice -> (B, C, H, W)."""
        if self.use_ssim and self.cpu_form:
            planes = -1, 1, image.shape[2], image.shape[3]
            return self.on_cpu(target.reshape(planes), image.reshape(planes)).reshape(image.shape)
        target = ops.stop_gradient(target)
        difference = ops.abs(target - image)
        if not self.use_ssim:
            return difference
        return self.share * self.dissimilarity(target, image) + (1 - self.share) * difference


def channel_mean(image: ms.Tensor) -> ms.Tensor:
    """(B, C, H, W) -> (B, 1, H, W)."""
    # On CPU a reduction over axis 1 takes four times as long.
    channels = ops.split(image, 1, 1)
    total = channels[0]
    for channel in channels[1:]:
        total = total + channel
    return total * (1 / len(channels))


def smaller(first: ms.Tensor, second: ms.Tensor) -> ms.Tensor:
    """The smaller of two tensors; the gradient goes to it, to the first one where they are equal.

    ops.minimum, but for rounding, with a gradient of a fifth of the cost on CPU.
    """
    return first - ops.relu(first - second)


@constexpr
def _count(height, width):
    """How many pixels of each window are inside, (1, 1, H, W)."""
    lines = [np.full(size, 3, np.float32) for size in (height, width)]
    for line in lines:
        line[[0, -1]] = 2
    return ms.Tensor(np.outer(*lines)[None, None])
