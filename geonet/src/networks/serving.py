"""Networks in the form of exported graphs, whose frames come one by one.

Conventions
    Images (B, 3, H, W), RGB -1..1; sources in the order of time, two, or four with a seq_length
    of 5. K and its inverse (B, 3, 3), pixels. Names of arguments are those of a graph's inputs.
"""

from mindspore import nn, ops

from .full_flow import RigidFlow, depth_of

MOST_FRAMES = 5


class DepthGraph(nn.Cell):
    """Depth of an image, up to scale.

    Args:
        network: depth_net.
        scale_normalize: divide each disparity by its mean.
    """

    def __init__(self, network, scale_normalize):
        super().__init__(auto_prefix=False)  # the network keeps its names
        self.network, self.scale_normalize = network, scale_normalize

    def construct(self, image):
        """-> (B, 1, H, W), > 0."""
        return depth_of(self.network(image)[0], self.scale_normalize)


class PoseGraph(nn.Cell):
    """Poses of the sources.

    Args:
        network: pose_net.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the network keeps its names
        self.network = network

    def construct(self, image, source_0, source_1, source_2=None, source_3=None):
        """-> (B, L - 1, 6); see `PoseNet`."""
        sources = _joined(source_0, source_1, source_2, source_3)
        return self.network(ops.concat((image, sources), 1))


class FlowGraph(nn.Cell):
    """Flow from an image to one source.

    Args:
        network: RigidFlow or FullFlow of that source.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.network, self.is_pyramid = network, isinstance(network, RigidFlow)

    def construct(self, image, K, inv_K, source_0, source_1, source_2=None, source_3=None):
        """-> (B, 2, H, W), x and y in pixels."""
        sources = _joined(source_0, source_1, source_2, source_3)
        flow = self.network(image, sources, K, inv_K)
        return flow[0] if self.is_pyramid else flow


class DirectFlowGraph(nn.Cell):
    """Flow from an image to the next one by a network that needs no more than these two.

    Args:
        network: flow_net of six channels.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the network keeps its names
        self.network = network

    def construct(self, image, source_0):
        """-> (B, 2, H, W), x and y in pixels."""
        return self.network(ops.concat((image, source_0), 1))[0]


def _joined(source_0, source_1, source_2, source_3):
    """The sources that are given, (B, 3 S, H, W)."""
    sources = ops.concat((source_0, source_1), 1)
    if source_2 is None:
        return sources
    return ops.concat((sources, source_2, source_3), 1)
