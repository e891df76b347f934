"""Depth, pose and flow networks (paper, section 3), and which of them a task needs."""

import mindspore as ms
import numpy as np
from mindspore import nn
from mindspore.ops import constexpr

from ..model_utils.errors import InputError
from .layers import BatchNorm, ConvLayer
from .resnet50 import ResNet50UNet
from .vgg import VggUNet

NETWORKS = ("depth_net", "pose_net", "flow_net")
_DISPARITY_SCALES = {"resnet50": 5.0, "vgg": 10.0}
_LEAST_DISPARITY = 0.01
_FLOW_SCALE, _POSE_SCALE = 0.1, 0.01
_FLOW_INPUTS = {"residual": 12, "direct": 6}  # channels
_POSE_LAYERS = ((16, 7), (32, 5), (64, 3), (128, 3), (256, 3), (256, 3), (256, 3))


class _Disparity(nn.Cell):
    """0.01 to scale + 0.01."""

    def __init__(self, scale):
        super().__init__()
        self.scale, self.sigmoid = scale, nn.Sigmoid()

    def construct(self, x):
        """Any shape."""
        return self.scale * self.sigmoid(x) + _LEAST_DISPARITY


class _Flow(nn.Cell):
    """Flow as a share of the image's sides."""

    def construct(self, x):
        """Any shape."""
        return _FLOW_SCALE * x


class FlowNet(ResNet50UNet):
    """ResFlowNet (residual, 12 channels) or DirFlowNetS (direct, 6).

    The residual one's channels: target, source, the source warped by the rigid flow (RGB, -1..1),
    the rigid flow (x, y, pixels) and the length of the error that it leaves.
    """

    def __init__(self, in_channels):
        super().__init__(in_channels, 2, _Flow())

    def construct(self, x):
        """(B, in_channels, H, W) -> four (B, 2, H / 2^s, W / 2^s), x and y in pixels of a scale."""
        flows = ()
        for flow in super().construct(x):
            flows += (flow * _sides(flow.shape[2], flow.shape[3]).to(flow.dtype),)
        return flows


@constexpr
def _sides(height, width):
    """Width and height, (1, 2, 1, 1); a constant of the graph, which MindSpore 2.0 can export."""
    return ms.Tensor(np.float32([width, height]).reshape(1, 2, 1, 1))


class PoseNet(nn.Cell):
    """Camera motion from the target to each source.

    Args:
        seq_length (int): frames of a sample.
    """

    def __init__(self, seq_length):
        super().__init__()
        layers, below = [], 3 * seq_length
        for channels, kernel_size in _POSE_LAYERS:
            layers.append(ConvLayer(below, channels, kernel_size, 2, padding="same"))
            below = channels
        self.layers = nn.SequentialCell(layers)
        self.head = ConvLayer(below, 6 * (seq_length - 1), 1, is_head=True)

    def construct(self, images):
        """(B, 3 L, H, W), RGB -1..1, the target first -> (B, L - 1, 6), tx ty tz rx ry rz."""
        poses = self.head(self.layers(images)).mean((2, 3))
        return _POSE_SCALE * poses.reshape(poses.shape[0], -1, 6)


def make_networks(
    names, *, dispnet_encoder="resnet50", flownet_type="residual", seq_length=3, bn_decay=0.999
):
    """{name: network} with random weights.

    Args:
        names: of NETWORKS.
        dispnet_encoder: resnet50 or vgg. Its network takes images (B, 3, H, W), RGB -1..1, and
            gives four disparities (B, 1, H / 2^s, W / 2^s), 0.01 to 5.01 (vgg: 10.01).
        flownet_type: residual or direct; see `FlowNet`.
        seq_length: frames of a sample.
        bn_decay: share of BatchNorm's moving statistics that a training step keeps.
    """
    unet = {"resnet50": ResNet50UNet, "vgg": VggUNet}[dispnet_encoder]
    makers = {
        "depth_net": lambda: unet(3, 1, _Disparity(_DISPARITY_SCALES[dispnet_encoder])),
        "pose_net": lambda: PoseNet(seq_length),
        "flow_net": lambda: FlowNet(_FLOW_INPUTS[flownet_type]),
    }
    networks = {name: makers[name]() for name in names}
    for network in networks.values():
        for _, cell in network.cells_and_names():
            if isinstance(cell, BatchNorm):
                cell.use_decay(bn_decay)
    return networks


def needed_networks(task, flownet_type):
    """The networks of a task: rigid (depth and poses), depth, pose or flow."""
    if task == "flow":
        return NETWORKS if flownet_type == "residual" else ("flow_net",)
    return {"rigid": NETWORKS[:2], "depth": NETWORKS[:1], "pose": NETWORKS[1:2]}[task]


def preprocess(images):
    """uint8 images as the networks see them: float32, -1..1, any shape."""
    return images.to(ms.float32) * (2 / 255) - 1


def check_size(height, width, dispnet_encoder):
    """Check that the scales of a network fit each other.

    Raises:
        InputError: a side is no multiple of 8, or with vgg of 16.
    """
    step = 16 if dispnet_encoder == "vgg" else 8
    for key, value in (("img_height", height), ("img_width", width)):
        if value % step:
            nearest = step * max(1, round(value / step))
            text = f"{key} {value} is no multiple of {step}"
            raise InputError(f"{text}, as {dispnet_encoder} needs; use {nearest}")
