"""The loss of optical flow with its check of forward against backward (paper, sections 3.3, 3.4).

Conventions
    As in rigid.py; flow (2 S B, 2, h, w): x, then y, in pixels of its scale.
"""

import mindspore as ms
from mindspore import nn, ops

from ..model_utils.cpu_forms import CpuForm
from ..model_utils.resize import Resize
from ..networks.full_flow import SCALES, length
from ..networks.layout import both_ways
from ..sfm_utils.sampling import Sampler
from ..sfm_utils.similarity import Similarity, channel_mean
from ..sfm_utils.smoothness import Smoothness
from ..sfm_utils.warping import places
from .flow_cpu import CpuFlowTerms


class FlowLoss(nn.Cell):
    """Images warped by the full flow, smooth flow, and flow that agrees in both directions.

    Args:
        warp_weight, smooth_weight, consistency_weight: of the terms; a consistency_weight of 0
            also takes the masks away.
        consistency: (pixels by which the directions may differ, or share of the flow's length).
        alpha: share of SSIM in the first term.
    """

    def __init__(
        self,
        warp_weight=1.0,
        smooth_weight=0.2,
        consistency_weight=0.2,
        consistency=(3.0, 0.05),
        alpha=0.85,
    ):
        super().__init__()
        self.warp_weight, self.smooth_weight = warp_weight, smooth_weight
        self.consistency_weight = consistency_weight
        self.resize, self.sampler = Resize("area"), Sampler("zero")
        pixels, share = consistency
        self.levels = nn.CellList()
        for scale in range(SCALES):
            bounds = (pixels / 2**scale, share) if consistency_weight else None
            self.levels.append(FlowTerms(bounds, alpha))

    def construct(self, flows, images, count):
        """The terms, and what there is to look at.

        Args:
            flows: tuple of (2 S B, 2, h, w), one per scale.
            images: ((S + 1) B, 3, H, W), targets first.
            count: S.
        Returns:
            (warp, smoothness and consistency term; empty masks, how many of eight hold no pixel;
            masks, a tuple of (2 S B, 1, h, w), one per scale; warped images of scale 0).
        """
        warp_loss, smooth_loss, consistency_loss, empty, masks = 0, 0, 0, 0, ()
        for scale, flow in enumerate(flows):
            level = images
            if scale > 0:
                level = self.resize(images, flow.shape[2], flow.shape[3])
            warp, smooth, consistency, mask = self.levels[scale](flow, level)
            warp_loss = warp_loss + warp
            smooth_loss = smooth_loss + smooth / 2**scale
            if self.consistency_weight != 0:
                consistency_loss = consistency_loss + consistency
                empty = empty + _count_empty(mask)
                masks = (*masks, mask)
        # For pictures; without them this is compiled away.
        x, y = places(flows[0])
        batch = images.shape[0] // (count + 1)
        warped = self.sampler(both_ways(images[:batch], images[batch:])[1], x, y)
        return (
            self.warp_weight * warp_loss,
            self.smooth_weight * smooth_loss,
            self.consistency_weight * consistency_loss,
            empty,
            masks,
            ops.stop_gradient(warped),
        )


class FlowTerms(CpuForm):
    """The terms of one scale, without their weights.

    Args:
        bounds: (pixels, of the scale, by which the directions may differ; or share of the flow's
            length). None: every pixel counts, and there is no consistency term.
        alpha: share of SSIM.
    """

    def __init__(self, bounds, alpha):
        super().__init__()
        self.bounds = bounds
        self.sampler, self.flow_sampler = Sampler("zero"), Sampler("zero", image_gradient=True)
        self.compare, self.smoothness = Similarity("same", share=alpha), Smoothness()
        if self.cpu_form:
            self.on_cpu = CpuFlowTerms(bounds, alpha)

    def construct(self, flow, images):
        """(2 S B, 2, h, w), ((S + 1) B, 3, h, w), targets first -> three terms and a mask.

        Returns:
            (warp, smoothness and consistency term; which pixels count, (2 S B, 1, h, w), 0 or 1,
            without gradient).
        """
        if self.cpu_form:
            terms, mask, _, _, _ = self.on_cpu(flow, images)
            return terms[0], terms[1], terms[2], mask
        half = flow.shape[0] // 2
        batch = images.shape[0] - half
        count = half // batch
        ours, others = both_ways(images[:batch], images[batch:])
        x, y = places(flow)
        error = self.compare(ours, self.sampler(others, x, y))
        smooth = self.smoothness(flow, ours)
        if self.bounds is None:
            return count * error.mean(), smooth, 0, ops.ones_like(error)
        forward, backward = ops.split(flow, half, 0)
        back = self.flow_sampler(ops.concat((backward, forward)), x, y)
        difference = ops.abs(back + flow)
        pixels, share = self.bounds
        bound = ops.maximum(share * length(flow), pixels)
        mask = ops.stop_gradient((length(difference) < bound).to(ms.float32))
        warp = count / 2 * _masked_means(error, mask)
        return warp, smooth, _masked_means(channel_mean(difference), mask) / 2, mask


def _halves(maps):
    """Sums of the forward and of the backward maps, (2,)."""
    return maps.reshape(2, -1).sum(1)


def _masked_means(values, mask):
    """Mean over the pixels that count, of both directions, added; 0 where there are none."""
    pixels = _halves(mask)
    return (_halves(values * mask) / ops.maximum(pixels, 1.0)).sum()


def _count_empty(mask):
    return (_halves(mask) == 0).to(ms.float32).sum()
