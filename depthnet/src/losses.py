"""The training loss, in log-depth (the zoo's CustomLoss, research/cv/DepthNet/src/loss.py).

It adds an absolute term and a gradient term to equation 4 of Eigen et al. (NIPS 2014).
"""

import mindspore as ms
from mindspore import nn, ops

from .transforms import MAX_DEPTH, MIN_DEPTH


class DepthLoss(nn.Cell):
    """mean |d| + mean |grad d| + mean d^2 - (mean d)^2 / 2 with d = ln(target) - prediction.

    Args:
        mask_invalid: leave out pixels whose target is not above 0. The original, and False,
            count them as 0.1 m.
    """

    def __init__(self, mask_invalid=False):
        super().__init__()
        self.mask_invalid = mask_invalid

    def construct(self, prediction, target):
        """Loss of a batch.

        Args:
            prediction: (B, 1, h, w), ln(depth / m).
            target: (B, 1, h, w), metres, 0 where unknown; clipped to 0.1..10.
        Returns:
            Scalar: the mean over the batch of each sample's loss.
        """
        target = target.to(ms.float32)
        residual = ops.log(ops.clamp(target, MIN_DEPTH, MAX_DEPTH))
        residual = residual - prediction.to(ms.float32)
        valid = (target > 0).to(ms.float32) if self.mask_invalid else ops.ones_like(target)
        residual = residual * valid
        count = ops.maximum(_total(valid), 1.0)
        edges = ops.zeros_like(count)
        if target.shape[2] > 1:
            both = valid[:, :, 1:] * valid[:, :, :-1]
            edges = edges + _total(ops.abs(residual[:, :, 1:] - residual[:, :, :-1]) * both)
        if target.shape[3] > 1:
            both = valid[:, :, :, 1:] * valid[:, :, :, :-1]
            edges = edges + _total(ops.abs(residual[..., 1:] - residual[..., :-1]) * both)
        mean = _total(residual) / count
        square = _total(residual * residual) / count
        loss = _total(ops.abs(residual)) / count + edges / count + square - 0.5 * mean * mean
        return loss.mean()


def _total(x):
    """Sum over everything but the batch: (B, 1, h, w) -> (B,)."""
    return x.sum((1, 2, 3))
