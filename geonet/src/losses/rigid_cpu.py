"""The error of warped images on CPU, with its gradients; see ../sfm_utils/planes_cpu."""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from ..networks.layout import pair
from ..sfm_utils.planes_cpu import Scratch, for_images
from ..sfm_utils.sampling_cpu import Cells
from ..sfm_utils.similarity_cpu import Comparison
from ..sfm_utils.warping_cpu import View


class CpuWarpError(nn.Cell):
    """See `rigid.WarpError`.

    Args:
        guard: added to Z before the division.
        alpha: share of SSIM.
    """

    def __init__(self, guard: float, alpha: float):
        super().__init__()
        self.guard, self.alpha = np.float32(guard), alpha
        self.forward = ops.Custom(self._compute, _shapes, _types, "pyfunc")

    def construct(self, depth, projection, inverse_intrinsics, images):
        """The mean, the error, and the mean's gradients.

        Args:
            depth: (2 S B, 1, h, w).
            projection: (2 S B, 3, 4), from the camera of a depth to pixels of the other image.
            inverse_intrinsics: (2 S B, 3, 3).
            images: ((S + 1) B, 3, h, w), targets first.
        Returns:
            ((1,), (2 S B, 1, h, w), of depth, of projection).
        """
        return self.forward(depth, projection, inverse_intrinsics, images)

    def bprop(self, depth, projection, inverse_intrinsics, images, out, dout):
        no_gradient = ops.zeros_like(inverse_intrinsics), ops.zeros_like(images)
        return (out[2] * dout[0], out[3] * dout[0], *no_gradient)

    def _compute(self, depth, projection, inverse_intrinsics, images):
        half, comparison = len(depth) // 2, Comparison(False, self.alpha)
        error, of_depth = np.empty_like(depth), np.empty_like(depth)
        of_projection, totals = np.empty_like(projection), np.zeros(len(depth))
        weight = np.full(depth.shape, 1 / depth.size, np.float32)

        def fill(part, within):
            ours, others = pair(images, part, half)
            scratch = Scratch()
            view = View(depth[part, 0], projection[part], inverse_intrinsics[part], scratch)
            cells = Cells(*view.places(self.guard), ours.shape[2:], False, scratch)
            warped, gradient, *slopes = (scratch.new(ours.shape) for _ in range(4))
            cells.sample_with_slopes(others, warped, *slopes)
            comparison.compute(ours, warped, Scratch(scratch), error[part], weight[part], gradient)
            of_places = [scratch.new(view.depth.shape) for _ in slopes]
            cells.chain(gradient, slopes, of_places)
            view.gradients(of_places, of_depth[part, 0], of_projection[part])
            totals[part.start] = error[part].sum(dtype=np.float64)

        for_images(fill, depth.shape, len(images) - half)
        return np.float32([totals.sum() / depth.size]), error, of_depth, of_projection


def _shapes(depth, projection, inverse_intrinsics, images):
    return (1,), depth, depth, projection


def _types(depth, projection, inverse_intrinsics, images):
    return (depth,) * 4
