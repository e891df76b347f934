"""The loss of depth and camera motion (paper, section 3.2).

Conventions
    Images (B, 3, H, W), RGB -1..1; the order of batches with sources and directions is that of
    networks/layout.py. Scale s has 1 / 2^s of the size.
"""

from mindspore import nn, ops

from ..model_utils.cpu_forms import CpuForm
from ..model_utils.resize import Resize
from ..networks.full_flow import depth_of
from ..networks.layout import both_depths, both_ways, motions, scaled_camera
from ..sfm_utils.similarity import Similarity
from ..sfm_utils.smoothness import Smoothness
from ..sfm_utils.warping import GEONET_GUARD, InverseWarp
from .rigid_cpu import CpuWarpError


class RigidLoss(nn.Cell):
    """Images warped by depth and motion against the images themselves, and smooth disparities.

    Args:
        warp_weight, smooth_weight: of the two terms.
        alpha: share of SSIM in the first one.
    """

    def __init__(self, warp_weight=1.0, smooth_weight=0.5, alpha=0.85):
        super().__init__()
        self.warp_weight, self.smooth_weight = warp_weight, smooth_weight
        self.warp, self.warp_error = InverseWarp(GEONET_GUARD, "zero"), WarpError(alpha)
        self.resize, self.smoothness = Resize("area"), Smoothness()

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
            depth = both_depths(depth_of(disparity, False), batch)
            camera = scaled_camera(K, inv_K, scale, 2 * count)
            mean, error = self.warp_error(level, depth, camera[0], camera[1], matrices)
            # The means of both directions, each times S / 2.
            warp_loss = warp_loss + count * mean
            smooth_loss = smooth_loss + self.smoothness(disparity, level) / 2**scale
            errors = (*errors, error)
            if scale == 0:  # for pictures; without them this is compiled away
                others = both_ways(images[:batch], images[batch:])[1]
                warped = self.warp(others, depth, camera[0], camera[1], matrices)
                first = ops.stop_gradient(warped)
        return self.warp_weight * warp_loss, self.smooth_weight * smooth_loss, errors, first


class WarpError(CpuForm):
    """How images differ from what depth and motion make of the others.

    Args:
        alpha: share of SSIM.
    """

    def __init__(self, alpha):
        super().__init__()
        self.warp = InverseWarp(GEONET_GUARD, "zero")
        self.compare = Similarity("same", share=alpha)
        if self.cpu_form:
            self.on_cpu = CpuWarpError(GEONET_GUARD, alpha)

    def construct(self, images, depth, K, inv_K, matrices):
        """The mean over both directions, and the error, which has no gradient.

        Args:
            images: ((S + 1) B, 3, h, w), targets first.
            depth: (2 S B, 1, h, w) of both directions.
            K, inv_K: (2 S B, 3, 3), pixels.
            matrices: (2 S B, 4, 4), poses.
        Returns:
            (a scalar, (2 S B, 1, h, w)).
        """
        if self.cpu_form:
            projection = ops.matmul(K, matrices[:, :3])
            mean, error, _, _ = self.on_cpu(depth, projection, inv_K, images)
            return mean.reshape(()), error
        batch = images.shape[0] - depth.shape[0] // 2
        ours, others = both_ways(images[:batch], images[batch:])
        error = self.compare(ours, self.warp(others, depth, K, inv_K, matrices))
        return error.mean(), ops.stop_gradient(error)
