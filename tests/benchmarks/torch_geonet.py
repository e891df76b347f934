"""GeoNet's networks in PyTorch with the goldens' weights, for comparison only.

Written from the paper (Yin and Shi, CVPR 2018, section 3), what the goldens' README tells of the
original, and our networks: depth with the ResNet50 encoder, poses, residual flow.
"""

import torch
from torch import nn
from torch.nn import functional as F

from tests.golden_weights import det

UNITS = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels and number of units of each stage
POSE_LAYERS = ((16, 7), (32, 5), (64, 3), (128, 3), (256, 3), (256, 3), (256, 3))
NAMES = {  # a layer's parameters: (TensorFlow's name, kind of the goldens' values)
    "conv.weight": ("weights", "weight"),
    "conv.bias": ("biases", "bias"),
    "norm.bias": ("BatchNorm/beta", "beta"),
    "norm.running_mean": ("BatchNorm/moving_mean", "mean"),
    "norm.running_var": ("BatchNorm/moving_variance", "var"),
}
# The convolutions with two outputs, whose values the goldens of train_flow multiply by 0.1.
FLOW_HEADS = tuple(f"flow_net/Conv_{number}/" for number in (71, 74, 77, 80))


class Layer(nn.Module):
    """A convolution with batch normalisation or a bias, and ReLU.

    Args:
        channels, out, size: of the convolution.
        stride: 1 or 2.
        is_same: pad as TensorFlow's SAME does.
        is_head: a bias, neither normalisation nor ReLU.
        has_relu: False leaves ReLU out.
    """

    def __init__(
        self, channels, out, size, stride=1, *, is_same=False, is_head=False, has_relu=True
    ):
        super().__init__()
        self.size, self.stride, self.is_same, self.has_relu = size, stride, is_same, has_relu
        padding = 0 if is_same else size // 2
        self.conv = nn.Conv2d(channels, out, size, stride, padding, bias=is_head)
        self.norm = None
        if not is_head:
            self.norm = nn.BatchNorm2d(out, eps=1e-3, momentum=0.001)
            self.norm.weight.requires_grad_(False)

    def forward(self, x):
        """(B, channels, h, w) -> (B, out, h / stride, w / stride)."""
        if self.is_same:
            x = F.pad(x, [*self.sides(x.shape[3]), *self.sides(x.shape[2])])
        x = self.conv(x)
        if self.norm is None:
            return x
        x = self.norm(x)
        return F.relu(x) if self.has_relu else x

    def sides(self, length):
        """Pixels before and after a line."""
        spare = (-(-length // self.stride) - 1) * self.stride + self.size - length
        return spare // 2, spare - spare // 2


class Unit(nn.Module):
    """A bottleneck whose shortcut is a convolution."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1, self.conv2 = Layer(channels, width, 1), Layer(width, width, 3, stride)
        self.conv3 = Layer(width, 4 * width, 1, has_relu=False)
        self.shortcut = Layer(channels, 4 * width, 1, stride, has_relu=False)

    def forward(self, x):
        """(B, channels, h, w) -> (B, 4 width, h / stride, w / stride)."""
        return F.relu(self.conv3(self.conv2(self.conv1(x))) + self.shortcut(x))


class UNet(nn.Module):
    """Predictions at four scales; the layers are made in the original's order.

    Args:
        channels, out: of the input and of each prediction.
        finish: from a head's output to the prediction.
    """

    def __init__(self, channels, out, finish):
        super().__init__()
        self.finish, self.conv1 = finish, Layer(channels, 64, 7, 2)
        self.stages, below = nn.ModuleList(), 64
        for width, count in UNITS:
            units = nn.Sequential()
            for number in range(count):
                units.append(Unit(below, width, 2 if number == count - 1 else 1))
                below = 4 * width
            self.stages.append(units)
        self.decoder = nn.ModuleList()
        skips = {512: 1024, 256: 512, 128: 256, 64: 64 + out, 32: 64 + out, 16: out}
        for width, skip in skips.items():
            level = [Layer(below, width, 3), Layer(width + skip, width, 3)]
            level += [Layer(width, out, 3, is_head=True)] if width <= 128 else []
            self.decoder.append(nn.ModuleList(level))
            below = width

    def forward(self, x):
        """(B, channels, H, W) -> four (B, out, H / 2^s, W / 2^s), s = 0 to 3."""
        conv1 = self.conv1(x)
        maps = [conv1, F.max_pool2d(conv1, 3, 2, 1)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        y, *skips = maps[::-1]
        predictions = []
        for (up, merge, *head), skip in zip(self.decoder, [*skips, None]):
            y = up(doubled(y))
            parts = [nearest_like(y, skip), skip] if skip is not None else [y]
            if predictions:
                parts.append(doubled(predictions[-1]))
            y = merge(torch.cat(parts, 1))
            if head:
                predictions.append(self.finish(head[0](y)))
        return predictions[::-1]


def doubled(x):
    """Each pixel twice in both directions."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def nearest_like(x, like):
    """A map at the size of another."""
    return x if x.shape[2:] == like.shape[2:] else F.interpolate(x, like.shape[2:], mode="nearest")


def disparity(x):
    """0.01 to 5.01."""
    return 5 * torch.sigmoid(x) + 0.01


def share(x):
    """Flow as a share of the image's sides."""
    return 0.1 * x


class DepthNet(UNet):
    """Disparities (B, 1, H / 2^s, W / 2^s) of images (B, 3, H, W), -1..1."""

    def __init__(self):
        super().__init__(3, 1, disparity)


class FlowNet(UNet):
    """Flows (B, 2, H / 2^s, W / 2^s), pixels of their scale, of maps (B, 12, H, W)."""

    def __init__(self):
        super().__init__(12, 2, share)

    def forward(self, x):
        """See the class."""
        return [
            flow * flow.new_tensor([flow.shape[3], flow.shape[2]]).reshape(1, 2, 1, 1)
            for flow in super().forward(x)
        ]


class PoseNet(nn.Module):
    """tx ty tz rx ry rz of two sources, (B, 2, 6), of the stack (B, 9, H, W)."""

    def __init__(self):
        super().__init__()
        self.layers, below = nn.Sequential(), 9
        for channels, size in POSE_LAYERS:
            self.layers.append(Layer(below, channels, size, 2, is_same=True))
            below = channels
        self.head = Layer(below, 12, 1, is_head=True)

    def forward(self, x):
        """See the class."""
        return 0.01 * self.head(self.layers(x)).mean((2, 3)).reshape(-1, 2, 6)


def variables(network, scope):
    """{TensorFlow's name: (tensor, kind)}, the layers in the order of their making."""
    layers = [module for module in network.modules() if isinstance(module, Layer)]
    found = {}
    for number, layer in enumerate(layers):
        place = f"{scope}/Conv_{number}" if number else f"{scope}/Conv"
        tensors = dict(layer.named_parameters()) | dict(layer.named_buffers())
        for key, (name, kind) in NAMES.items():
            if key in tensors:
                found[f"{place}/{name}"] = tensors[key], kind
    return found


def make_networks(names):
    """{name: network} with the goldens' values, as tests/geonet/golden_networks.filled."""
    makers = {"depth_net": DepthNet, "pose_net": PoseNet, "flow_net": FlowNet}
    networks = {name: makers[name]() for name in names}
    with torch.no_grad():
        for name, network in networks.items():
            for key, (tensor, kind) in variables(network, name).items():
                value = torch.from_numpy(det(key, tensor.shape, kind))
                tensor.copy_(0.1 * value if key.startswith(FLOW_HEADS) else value)
    return networks
