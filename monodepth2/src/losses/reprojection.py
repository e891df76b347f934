"""How well the source images, seen through depth and motion, explain the target (section 3.1-3.2).

Conventions
    Images (B, 3, h, w), RGB 0..1. source_from_target (B, 4, 4) takes points of the target's camera
    to the source's. K sets of depth for each target stand one after the other: (K B, 1, h, w).
"""

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from ..sfm_utils.similarity import Similarity, smaller
from ..sfm_utils.warping import MONODEPTH2_GUARD, InverseWarp

TIE_BREAK = 1e-5  # standard deviation of the noise that decides between equal errors


def tie_break_noise(seed, batch_size, channels, height, width):
    """Noise that is added to the errors of the unwarped sources, the same in every step.

    The original draws it anew; a fixed map lets a run be repeated and resumed bit for bit.

    Args:
        seed: whole number.
        channels: one per source.
    Returns:
        (batch_size, channels, height, width) float32.
    """
    shape = batch_size, channels, height, width
    return np.float32(TIE_BREAK * np.random.default_rng(seed).standard_normal(shape))


class Reprojection(nn.Cell):
    """The smallest error of each pixel over the sources.

    Args:
        noise: (B, S, H, W) of `tie_break_noise` (its first channel with `average`): pixels that an
            unwarped source explains as well do not count (automasking); smaller batches and images
            take a part of it. None: all pixels count.
        average: the mean over the sources instead of their smallest error.
        use_ssim: False compares by absolute differences alone.
        align_corners: False samples as the original's source does since PyTorch 1.3.
    """

    def __init__(self, noise=None, *, average=False, use_ssim=True, align_corners=True):
        super().__init__()
        self.automasks, self.average = noise is not None, average
        if self.automasks:
            self.noise = ms.Tensor(noise)
        self.error = Similarity("reflect", use_ssim)
        self.warp = InverseWarp(MONODEPTH2_GUARD, "border", half_pixel=not align_corners)

    def construct(self, depth, target, sources, poses, camera, masks):
        """Compare a target with its sources.

        Args:
            depth: (K B, 1, h, w) of the target.
            target: (B, 3, h, w).
            sources: tuple of S images (B, 3, h, w).
            poses: tuple of S source_from_target (B, 4, 4).
            camera: (K, inverse K), (B, 3, 3) each, pixels of this size.
            masks: (K B, S, h, w) that the errors are multiplied by; or None.
        Returns:
            (errors (K B, 1, h, w); masked (K B, 1, h, w), 1 where a pixel does not count, None
            without automasking; tuple of S warped images (K B, 3, h, w)).
        """
        errors, warped = (), ()
        for number, source in enumerate(sources):
            view = self.warp(source, depth, camera[0], camera[1], poses[number])
            error = self.error(target, view)
            if masks is not None:
                error = error * masks[:, number : number + 1]
            errors, warped = (*errors, error), (*warped, view)
        least = self._combined(errors)
        if not self.automasks:
            return least, None, warped
        still = ops.stop_gradient(self._still(target, sources))
        still = ops.tile(still, (depth.shape[0] // target.shape[0], 1, 1, 1))
        masked = (still <= least).to(ms.float32)
        return smaller(still, least), masked, warped

    def _still(self, target, sources):
        """The error that the unwarped sources leave, (B, 1, h, w)."""
        noise = self.noise[: target.shape[0], :, : target.shape[2], : target.shape[3]]
        errors = ()
        for number, source in enumerate(sources):
            error = self.error(target, source)
            if not self.average:
                error = error + noise[:, number : number + 1]
            errors = (*errors, error)
        combined = self._combined(errors)
        return combined + noise[:, :1] if self.average else combined

    def _combined(self, errors):
        total = errors[0]
        for error in errors[1:]:
            total = total + error if self.average else smaller(total, error)
        return total * (1 / len(errors)) if self.average else total
