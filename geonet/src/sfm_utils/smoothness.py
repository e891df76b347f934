"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Edge-aware smoothness: a map may change where its image does (Godard et al. 2017).

Conventions
    Maps (B, C, H, W) with the images (B, 3, H, W) of the same size. Differences are between
    neighbours. The images get no gradient.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import ops

from .similarity import channel_mean


def normalized(disparity: ms.Tensor, guard: float = 1e-7) -> ms.Tensor:
    """Disparity (B, 1, H, W) over its mean in each image.

    Args:
        guard: added to the mean; 1e-7 in Monodepth2, 0 in GeoNet.
    """
    return disparity / (disparity.mean((2, 3), True) + guard)


def smoothness(values: ms.Tensor, image: ms.Tensor) -> ms.Tensor:
    """Mean absolute difference of horizontal neighbours plus that of vertical ones, each weighted.

    Args:
        values: (B, C, H, W).
        image: (B, 3, H, W); the weight is exp(-mean over channels |difference|).
    Returns:
        A scalar.
    """
    image = ops.stop_gradient(image)
    horizontal = ops.abs(values[:, :, :, :-1] - values[:, :, :, 1:])
    vertical = ops.abs(values[:, :, :-1] - values[:, :, 1:])
    across = ops.exp(-channel_mean(ops.abs(image[:, :, :, :-1] - image[:, :, :, 1:])))
    down = ops.exp(-channel_mean(ops.abs(image[:, :, :-1] - image[:, :, 1:])))
    return (horizontal * across).mean() + (vertical * down).mean()
