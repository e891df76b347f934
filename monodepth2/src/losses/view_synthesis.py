"""The loss of a sample: reprojection at all scales, smoothness, and a predicted mask's prior.

Conventions
    Disparities (B, 1, H / 2^s, W / 2^s), 0..1. Scales are compared at full size, one set of depth
    after the other in one call; at each scale's own size (v1_multiscale), or where the motion
    depends on the depth (posecnn), one call per scale.
"""

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from ..model_utils.resize import Resize
from ..networks.depth_decoder import disparity_to_depth
from ..sfm_utils import poses
from ..sfm_utils.smoothness import Smoothness, normalized

_PRIOR = 0.2  # weight of the term that keeps a predicted mask near 1
_LEAST_MASK = 1.2e-38  # the smallest normal float32, whose logarithm is finite


class ViewSynthesisLoss(nn.Cell):
    """Reprojection, smoothness and the prior of a mask, per scale.

    Args:
        reprojection: Reprojection.
        scales: of the disparities.
        disparity_smoothness: weight of the smoothness at scale 0; it halves with each scale.
        limits: (min_depth, max_depth), depth where a disparity is 1 and 0.
        inverted: see `Motion`; one per moving source.
        at_each_scale: compare at each scale's size, with its images and intrinsics.
        scaled_motion: translations are multiplied by the mean inverse depth.
    """

    def __init__(
        self,
        reprojection,
        *,
        scales,
        disparity_smoothness,
        limits,
        inverted,
        at_each_scale=False,
        scaled_motion=False,
    ):
        super().__init__()
        self.reprojection, self.resize = reprojection, Resize("half_pixel")
        self.smoothness = Smoothness()
        self.min_depth, self.max_depth = limits
        self.inverted, self.scaled_motion = tuple(inverted), scaled_motion
        self.scales, self.at_each_scale = tuple(scales), at_each_scale
        self.weights = tuple(disparity_smoothness / 2**scale for scale in scales)
        places = tuple(range(len(scales)))
        apart = at_each_scale or scaled_motion
        self.groups = tuple((place,) for place in places) if apart else (places,)
        # Which of the given sizes a group is compared at, and its intrinsics beside scale 0's.
        self.sizes = places if at_each_scale else (0,) * len(self.groups)
        shrink = [np.float32([0.5**scale, 0.5**scale, 1]) for scale in scales]
        self.shrink = [ms.Tensor(f if at_each_scale else np.ones_like(f)) for f in shrink]

    def construct(self, disparities, motions, targets, sources, camera, stereo, masks):
        """The loss of each scale, and what there is to look at.

        Args:
            disparities: tuple, one per scale.
            motions: tuple of (axis-angle, translation) of the moving sources, (B, 3) each.
            targets: tuple of frame 0, one per scale.
            sources: tuple of tuples of source images, one per size of comparison.
            camera: (K, inverse K), (B, 3, 3) each, pixels of scale 0.
            stereo: (B, 4, 4) source_from_target of the other camera, the last source; or None.
            masks: tuple of (B, S, H / 2^s, W / 2^s), one per scale; or None.
        Returns:
            (tuple of losses; tuple of masked shares, empty without automasking; images of the first
            scale: warped sources, a tuple of (B, 3, h, w), errors and masked, (B, 1, h, w)).
        """
        reprojections, priors, shares, images = (), (), (), None
        for number, group in enumerate(self.groups):
            size = self.sizes[number]
            target, intrinsics, inverse = targets[size], camera[0], camera[1]
            depth = self._depth(disparities, group, target)
            mask = None if masks is None else self._joined(masks, group, target)
            errors, masked, warped = self.reprojection(
                depth,
                target,
                sources[size],
                self._poses(motions, depth, stereo),
                (intrinsics * self.shrink[size].reshape(3, 1), inverse / self.shrink[size]),
                mask,
            )
            reprojections = (*reprojections, *_means(errors, len(group)))
            if mask is not None:
                priors = (*priors, *_means(_prior(mask), len(group)))
            if masked is not None:
                shares = (*shares, *_means(masked, len(group)))
            if number == 0:
                images = _first(warped, errors, masked, target.shape[0])
        losses = ()
        for place, disparity in enumerate(disparities):
            uneven = self.smoothness(normalized(disparity), targets[place])
            loss = reprojections[place] + self.weights[place] * uneven
            losses = (*losses, loss if masks is None else loss + priors[place])
        return losses, shares, images

    def _depth(self, disparities, group, target):
        joined = self._joined(disparities, group, target)
        return disparity_to_depth(joined, self.min_depth, self.max_depth)[1]

    def _joined(self, maps, group, target):
        """The maps of a group's scales at the target's size, one after the other."""
        parts = ()
        for place in group:
            part = maps[place]
            if part.shape[2] != target.shape[2]:
                part = self.resize(part, target.shape[2], target.shape[3])
            parts = (*parts, part)
        return ops.concat(parts) if len(parts) > 1 else parts[0]

    def _poses(self, motions, depth, stereo):
        found = ()
        for number, is_inverted in enumerate(self.inverted):
            axis_angle, translation = motions[number]
            if self.scaled_motion:
                translation = translation * (1 / depth).mean((2, 3))
            pose = poses.pose(poses.rotation_from_axis_angle(axis_angle), translation)
            found = (*found, poses.inverse_pose(pose) if is_inverted else pose)
        return found if stereo is None else (*found, stereo)


def _prior(mask):
    """Cross entropy of a mask with 1, times its weight."""
    return -_PRIOR * ops.log(ops.maximum(mask, _LEAST_MASK))


def _means(values, count):
    """The mean of each of `count` sets that stand one after the other along the batch."""
    means = ()
    for part in ops.split(values, values.shape[0] // count, 0):
        # On CPU a sum over everything at once takes ten times as long.
        means = (*means, part.sum(0).sum() * (1 / part.numel()))
    return means


def _first(warped, errors, masked, batch):
    """What belongs to the first scale of a group."""
    views = ()
    for view in warped:
        views = (*views, view[:batch])
    return views, errors[:batch], None if masked is None else masked[:batch]
