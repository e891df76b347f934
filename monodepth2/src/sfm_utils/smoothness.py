"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Edge-aware smoothness: a map may change where its image does (Godard et al. 2017).

Conventions
    Maps (B, C, H, W) with the images (B, 3, H, W) of the same size. Differences are between
    neighbours. The images get no gradient.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import ops

from ..model_utils.cpu_forms import CpuForm
from .similarity import channel_mean
from .smoothness_cpu import CpuSmoothness


def normalized(disparity: ms.Tensor, guard: float = 1e-7) -> ms.Tensor:
    """Disparity (B, 1, H, W) over its mean in each image.

    Args:
        guard: added to the mean; 1e-7 in Monodepth2, 0 in GeoNet.
    """
    return disparity / (disparity.mean((2, 3), True) + guard)


class Smoothness(CpuForm):
    """Mean absolute difference of horizontal neighbours plus that of vertical ones, each weighted
    by exp(-mean over channels |difference of the image|).
    """

    def __init__(self):
        super().__init__()
        if self.cpu_form:
            self.on_cpu = CpuSmoothness()

    def construct(self, values, image):
        """(B, C, H, W), (B, 3, H, W) -> a scalar."""
        image = ops.stop_gradient(image)
        if self.cpu_form:
            return self.on_cpu(values, image)[0].reshape(())
        horizontal = ops.abs(values[:, :, :, :-1] - values[:, :, :, 1:])
        vertical = ops.abs(values[:, :, :-1] - values[:, :, 1:])
        across = ops.exp(-channel_mean(ops.abs(image[:, :, :, :-1] - image[:, :, :, 1:])))
        down = ops.exp(-channel_mean(ops.abs(image[:, :, :-1] - image[:, :, 1:])))
        return (horizontal * across).mean() + (vertical * down).mean()
