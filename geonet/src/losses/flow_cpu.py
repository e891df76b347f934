"""The terms of the flow loss on CPU, with their gradients; see ../sfm_utils/planes_cpu.

What a pixel sees in the other image is needed by two terms and by their gradients. Here one pass
over a few images computes all of it; separate operators would pass through memory, and look for
each pixel's place, several times.
"""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from ..networks.layout import opposite, pair
from ..sfm_utils.planes_cpu import Scratch, for_images, sign_in_place
from ..sfm_utils.sampling_cpu import Cells
from ..sfm_utils.similarity_cpu import Comparison
from ..sfm_utils.smoothness_cpu import smoothness


class CpuFlowTerms(nn.Cell):
    """See `flow.FlowTerms`.

    Args:
        bounds: (pixels, of the flow's scale, by which the directions may differ; or share of the
            flow's length). None: every pixel counts, and there is no consistency term.
        alpha: share of SSIM.
    """

    def __init__(self, bounds: tuple[float, float] | None, alpha: float):
        super().__init__()
        self.bounds, self.alpha = bounds, alpha
        self.forward = ops.Custom(self._compute, _shapes, _types, "pyfunc")

    def construct(self, flow, images):
        """(2 S B, 2, h, w), ((S + 1) B, 3, h, w) -> terms, mask, and the terms' gradients.

        Returns:
            ((warp, smoothness and consistency term,), (2 S B, 1, h, w), three (2 S B, 2, h, w)).
        """
        return self.forward(flow, images)

    def bprop(self, flow, images, out, dout):
        warp, smooth, consistency = ops.split(dout[0], 1)
        of_flow = out[2] * warp + out[3] * smooth + out[4] * consistency
        return of_flow, ops.zeros_like(images)

    def _compute(self, flow, images):
        half = len(flow) // 2
        batch, count = len(images) - half, half // (len(images) - half)
        comparison = Comparison(False, self.alpha)
        mask = np.ones((len(flow), 1, *flow.shape[2:]), np.float32)
        sums = np.zeros((3, len(flow)))
        # The last one: what a direction's differences add to the gradient of the other's flow.
        of_warp, of_smooth, of_difference, of_other = np.zeros((4, *flow.shape), np.float32)

        def fill(part, within):
            ours, others = pair(images, part, half)
            other = opposite(part, half)
            smooth = smoothness(flow[part], ours, of_smooth[part], len(flow))
            view, difference = _View(flow[part]), 0
            if self.bounds is not None:
                mask[part] = view.compare_flow(flow[other], self.bounds)
                difference = view.difference(mask[part], of_difference[part], of_other[other])
            error = view.error(ours, others, comparison, mask[part], of_warp[part])
            sums[:, part.start] = error, smooth, difference

        def scale(part, within):
            here = part.start // half
            of_warp[part] *= factors[here] * count / 2
            of_difference[part] *= factors[here] / 4
            of_other[part] *= factors[1 - here] / 4
            of_difference[part] += of_other[part]

        for_images(fill, flow.shape, batch)
        factors = 1 / np.maximum(mask.reshape(2, -1).sum(1), 1)
        for_images(scale, flow.shape, batch)
        error, _, difference = (sums.reshape(3, 2, -1).sum(2) * factors).sum(1)
        terms = np.float32([error * count / 2, sums[1].sum(), difference / 4])
        return terms, mask, of_warp, of_smooth, of_difference


class _View:
    """What N images see where their flow (N, 2, h, w) ends."""

    def __init__(self, flow):
        self.flow, self.scratch = flow, Scratch()
        self.places = [self.scratch.new(flow[:, axis].shape) for axis in (0, 1)]
        x, y = (np.arange(size, dtype=np.float32) for size in flow.shape[:1:-1])
        np.add(flow[:, 0], x, out=self.places[0])
        np.add(flow[:, 1], y[:, None], out=self.places[1])
        self.cells = Cells(*self.places, flow.shape[2:], False, self.scratch)

    def compare_flow(self, other, bounds):
        """Where the flow there and back is short, (N, 1, h, w).

        Args:
            other: the flow of the other images, (N, 2, h, w).
            bounds: see `CpuFlowTerms`.
        """
        self.apart, *self.slopes = (self.scratch.new(other.shape) for _ in range(3))
        self.cells.sample_with_slopes(other, self.apart, *self.slopes)
        self.apart += self.flow
        pixels, share = map(np.float32, bounds)
        bound = self._squares(self.flow)
        bound *= share**2
        np.maximum(bound, pixels**2, out=bound)
        return self._squares(self.apart) < bound

    def difference(self, mask, of_flow, of_other):
        """The sum of |flow there and back| over a mask; `compare_flow` comes first.

        Args:
            of_flow: (N, 2, h, w) to write the gradient to.
            of_other: (N, 2, h, w) that the gradient of the other images' flow is added to.
        """
        self.apart *= mask
        total = np.abs(self.apart, out=of_flow).sum(dtype=np.float64)
        weights = sign_in_place(self.apart)
        self.cells.chain(weights, self.slopes, (of_flow[:, 0], of_flow[:, 1]))
        of_flow += weights
        self.cells.scatter(weights, of_other)
        return total

    def error(self, ours, others, comparison, mask, of_flow):
        """The sum over a mask of how the images differ from what they see in the others.

        Args:
            ours, others: (N, 3, h, w).
            of_flow: (N, 2, h, w) to write the gradient to.
        """
        warped, gradient, *slopes = (self.scratch.new(ours.shape) for _ in range(4))
        error = self.scratch.new(mask.shape)
        self.cells.sample_with_slopes(others, warped, *slopes)
        comparison.compute(ours, warped, Scratch(self.scratch), error, mask, gradient)
        self.cells.chain(gradient, slopes, (of_flow[:, 0], of_flow[:, 1]))
        error *= mask
        return error.sum(dtype=np.float64)

    def _squares(self, vectors):
        """Their lengths' squares, (N, 1, h, w)."""
        squares, other = (self.scratch.new(vectors[:, :1].shape) for _ in range(2))
        np.multiply(vectors[:, :1], vectors[:, :1], out=squares)
        squares += np.multiply(vectors[:, 1:], vectors[:, 1:], out=other)
        return squares


def _shapes(flow, images):
    count, _, height, width = flow
    return (3,), (count, 1, height, width), flow, flow, flow


def _types(flow, images):
    return (flow,) * 5
