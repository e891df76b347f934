"""The loss of optical flow with its check of forward against backward (paper, sections 3.3, 3.4).

Conventions
    As in rigid.py; flow (2 S B, 2, h, w): x, then y, in pixels of its scale.
"""

import mindspore as ms
from mindspore import nn, ops

from ..model_utils.resize import Resize
from ..networks.full_flow import length
from ..networks.layout import repeated
from ..sfm_utils.sampling import Sampler
from ..sfm_utils.similarity import Similarity, channel_mean
from ..sfm_utils.smoothness import Smoothness
from ..sfm_utils.warping import places


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
        self.consistency_weight, self.consistency = consistency_weight, consistency
        self.sampler, self.flow_sampler = Sampler("zero"), Sampler("zero", image_gradient=True)
        self.compare, self.resize = Similarity("same", share=alpha), Resize("area")
        self.smoothness = Smoothness()

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
        batch = images.shape[0] // (count + 1)
        warp_loss, smooth_loss, consistency_loss, empty = 0, 0, 0, 0
        masks, first = (), None
        for scale, flow in enumerate(flows):
            level = images
            if scale > 0:
                level = self.resize(images, flow.shape[2], flow.shape[3])
            ours, others = repeated(level[:batch], count), level[batch:]
            ours, others = ops.concat((ours, others)), ops.concat((others, ours))
            x, y = places(flow)
            warped = self.sampler(others, x, y)
            error = self.compare(ours, warped)
            smooth_loss = smooth_loss + self.smoothness(flow, ours) / 2**scale
            first = warped if scale == 0 else first
            if self.consistency_weight == 0:
                warp_loss = warp_loss + count * error.mean()
                continue
            difference, mask = self._agreement(flow, x, y, 2**scale)
            warp_loss = warp_loss + count / 2 * _masked_means(error, mask)
            means = _masked_means(channel_mean(difference), mask)
            consistency_loss = consistency_loss + means / 2
            empty = empty + _count_empty(mask)
            masks = (*masks, mask)
        return (
            self.warp_weight * warp_loss,
            self.smooth_weight * smooth_loss,
            self.consistency_weight * consistency_loss,
            empty,
            masks,
            first,
        )

    def _agreement(self, flow, x, y, size):
        """(|flow there and back|, (2 S B, 2, h, w); where it is short, 0 or 1, without gradient).

        Args:
            size: pixels of scale 0 per pixel.
        """
        forward, backward = ops.split(flow, flow.shape[0] // 2, 0)
        back = self.flow_sampler(ops.concat((backward, forward)), x, y)
        difference = ops.abs(back + flow)
        most, share = self.consistency
        bound = ops.maximum(share * length(flow) * size, most)
        mask = (length(difference) * size < bound).to(ms.float32)
        return difference, ops.stop_gradient(mask)


def _halves(maps):
    """Sums of the forward and of the backward maps, (2,)."""
    return maps.reshape(2, -1).sum(1)


def _masked_means(values, mask):
    """Mean over the pixels that count, of both directions, added; 0 where there are none."""
    pixels = _halves(mask)
    return (_halves(values * mask) / ops.maximum(pixels, 1.0)).sum()


def _count_empty(mask):
    return (_halves(mask) == 0).to(ms.float32).sum()
