"""The loss of depth and camera motion (paper, section 3.2).

Conventions
    Images (B, 3, H, W), RGB -1..1; the order of batches with sources and directions is that of
    networks/layout.py. Scale s has 1 / 2^s of the size.
"""

from mindspore import nn, ops

from ..model_utils.resize import Resize
from ..networks.layout import both_depths, motions, repeated, scaled_camera
from ..sfm_utils.similarity import Similarity
from ..sfm_utils.smoothness import Smoothness
from ..sfm_utils.warping import GEONET_GUARD, InverseWarp


class RigidLoss(nn.Cell):
    """Images warped by depth and motion against the images themselves, and smooth disparities.

    Args:
        warp_weight, smooth_weight: of the two terms.
        alpha: share of SSIM in the first one.
    """

    def __init__(self, warp_weight=1.0, smooth_weight=0.5, alpha=0.85):
        super().__init__()
        self.warp_weight, self.smooth_weight = warp_weight, smooth_weight
        self.warp = InverseWarp(GEONET_GUARD, "zero")
        self.compare, self.resize = Similarity("same", share=alpha), Resize("area")
        self.smoothness = Smoothness()

    def construct(self, disparities, poses, images, K, inv_K):
        """The two terms, and what there is to look at.

        Args:
            disparities: tuple of ((S + 1) B, 1, h, w), one per scale, targets first.
            poses: (B, S, 6), tx ty tz rx ry rz of source_from_target.
            images: ((S + 1) B, 3, H, W), targets first.
            K, inv_K: (B, 3, 3), pixels.
        Returns:
            (warp term, smoothness term; errors, a tuple of (2 S B, 1, h, w), one per scale; warped
            images of scale 0, (2 S B, 3, H, W)).
        """
        batch, count = poses.shape[0], poses.shape[1]
        matrices = motions(poses, True)
        warp_loss, smooth_loss, errors, first = 0, 0, (), None
        for scale, disparity in enumerate(disparities):
            level = images
            if scale > 0:
                level = self.resize(images, disparity.shape[2], disparity.shape[3])
            ours, others = repeated(level[:batch], count), level[batch:]
            ours, others = ops.concat((ours, others)), ops.concat((others, ours))
            depth = both_depths(1 / disparity, batch)
            camera = scaled_camera(K, inv_K, scale, 2 * count)
            warped = self.warp(others, depth, camera[0], camera[1], matrices)
            error = self.compare(ours, warped)
            # The means of both directions, each times S / 2.
            warp_loss = warp_loss + count * error.mean()
            smooth_loss = smooth_loss + self.smoothness(disparity, level) / 2**scale
            errors = (*errors, error)
            first = warped if scale == 0 else first
        return self.warp_weight * warp_loss, self.smooth_weight * smooth_loss, errors, first
