"""Optical flow from images: the rigid scene's, and what the flow network makes of it."""

from mindspore import nn, ops

from ..sfm_utils.sampling import Sampler
from ..sfm_utils.similarity import Similarity
from ..sfm_utils.smoothness import normalized
from ..sfm_utils.warping import places, rigid_flow
from .layout import both_depths, both_ways, chosen, motions, repeated, scaled_camera, split_sources

SCALES = 4
_LEAST_LENGTH = 1e-10  # is added to each coordinate before its length is taken


class RigidFlow(nn.Cell):
    """The flow that depth and camera motion explain (paper, section 3.2).

    Args:
        networks: {"depth_net": ..., "pose_net": ...}.
        scale_normalize: divide each disparity by its mean.
        both_ways: see `layout`; False leaves out the backward flow.
        scales: how many.
        source: number of the only source whose flow is wanted; None: all of them.
    """

    def __init__(self, networks, scale_normalize, both_ways=False, scales=1, source=None):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.depth_net, self.pose_net = networks["depth_net"], networks["pose_net"]
        self.scale_normalize, self.both_ways, self.scales = scale_normalize, both_ways, scales
        self.source = source

    def construct(self, target, sources, K, inv_K):
        """Flows of the sources.

        Args:
            target: (B, 3, H, W), RGB -1..1.
            sources: (B, 3 S, H, W), in the order of time.
            K, inv_K: (B, 3, 3), pixels.
        Returns:
            Tuple of (2 S B, 2, H / 2^s, W / 2^s), or without the backward flow (S B, ...), x and y
            in pixels of their scale; S is 1 where one source is wanted.
        """
        vectors = chosen(self.pose_net(ops.concat((target, sources), 1)), self.source, 1)
        sources = chosen(sources, self.source, 3)
        count = sources.shape[1] // 3
        images = ops.concat((target, split_sources(sources))) if self.both_ways else target
        disparities = self.depth_net(images)
        matrices = motions(vectors, self.both_ways)
        flows = ()
        for scale in range(self.scales):
            depth = depth_of(disparities[scale], self.scale_normalize)
            depth = self._depths(depth, target.shape[0], count)
            sets = matrices.shape[0] // target.shape[0]
            camera = scaled_camera(K, inv_K, scale, sets)
            flows += (rigid_flow(depth, camera[0], camera[1], matrices),)
        return flows

    def _depths(self, depth, batch, count):
        return both_depths(depth, batch) if self.both_ways else repeated(depth, count)


class FlowPyramid(nn.Cell):
    """Full flow at four scales; the rigid part gets no gradient.

    Args:
        networks: {name: network}: flow_net, and for a residual one depth_net and pose_net.
        flownet_type: residual or direct.
        scale_normalize: see `RigidFlow`.
        both_ways: see `layout`.
        alpha: share of SSIM in the error of the rigid flow.
        source: see `RigidFlow`.
    """

    def __init__(
        self, networks, flownet_type, scale_normalize, both_ways=False, alpha=0.85, source=None
    ):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.flow_net, self.both_ways, self.source = networks["flow_net"], both_ways, source
        self.is_residual = flownet_type == "residual"
        if self.is_residual:
            self.rigid = RigidFlow(networks, scale_normalize, both_ways, SCALES, source)
            self.sampler, self.compare = Sampler("zero"), Similarity("same", share=alpha)

    def construct(self, target, sources, K, inv_K):
        """See `RigidFlow`; (K and inv_K are of no use to a direct network).

        Returns:
            Tuple of four (2 S B, 2, H / 2^s, W / 2^s), or (S B, ...), pixels of their scale.
        """
        others = split_sources(chosen(sources, self.source, 3))
        if self.both_ways:
            ours, others = both_ways(target, others)
        else:
            ours = repeated(target, others.shape[0] // target.shape[0])
        inputs = ops.concat((ours, others), 1)
        if not self.is_residual:
            return self.flow_net(inputs)
        rigid = ()
        for flow in self.rigid(target, sources, K, inv_K):
            rigid += (ops.stop_gradient(flow),)
        x, y = places(rigid[0])
        warped = self.sampler(others, x, y)
        error = length(self.compare.difference(ours, warped))
        inputs = ops.concat((inputs, warped, rigid[0], error), 1)
        flows = ()
        for scale, flow in enumerate(self.flow_net(ops.stop_gradient(inputs))):
            flows += (flow + rigid[scale],)
        return flows


class FullFlow(nn.Cell):
    """Forward flow at full size, for prediction.

    Args:
        networks, flownet_type, scale_normalize, source: see `FlowPyramid`.
    """

    def __init__(self, networks, flownet_type, scale_normalize, source=None):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.pyramid = FlowPyramid(networks, flownet_type, scale_normalize, source=source)

    def construct(self, target, sources, K, inv_K):
        """See `RigidFlow` -> (S B, 2, H, W), pixels, target to each source that is wanted."""
        return self.pyramid(target, sources, K, inv_K)[0]


def depth_of(disparity, scale_normalize):
    """Depth of a disparity (B, 1, H, W) > 0.

    Args:
        disparity: of the depth network.
        scale_normalize: divide it by its mean first.
    """
    disparity = normalized(disparity, 0) if scale_normalize else disparity
    # 1 / x becomes an operator that ONNX lacks, ones / x one that takes more memory on CPU.
    return ops.RealDiv()(ops.ones_like(disparity), disparity)


def length(vectors):
    """Euclidean length over the channels, (B, C, H, W) -> (B, 1, H, W), above 0."""
    total = 0
    for channel in ops.split(ops.abs(vectors) + _LEAST_LENGTH, 1, 1):
        total = total + channel * channel
    return ops.sqrt(total)
