"""MidasNet (Ranftl et al. 2020, v2 and v2.1): ResNeXt101-32x8d WSL encoder, refinement decoder."""

import math

from mindspore import nn
from mindspore.common.initializer import HeUniform, Uniform

from ..model_utils.convolutions import Conv
from ..model_utils.errors import InputError
from ..model_utils.resize import DoubleSize, DoubleSizeConv
from .encoder import Encoder


def _initializers(in_channels):
    """PyTorch's defaults for the weight and the bias of a 3x3 convolution: both are uniform."""
    return _uniform_weight(), Uniform(scale=1 / math.sqrt(in_channels * 9))


def _uniform_weight():
    """Between -1 / sqrt(n) and 1 / sqrt(n) for n values that an output sums."""
    return HeUniform(negative_slope=math.sqrt(5))


def _conv(in_channels, out_channels, has_bias=True):
    weight_init, bias_init = _initializers(in_channels)
    return Conv(in_channels, out_channels, 3, weight_init, bias_init if has_bias else None)


def _double_conv(in_channels, out_channels, mode):
    return DoubleSizeConv(in_channels, out_channels, mode, *_initializers(in_channels))


def _last_conv(in_channels):
    # With PyTorch's random bias the ReLU after it may start closed for every pixel: no gradient.
    weight_init = _uniform_weight()
    return nn.Conv2d(
        in_channels, 1, kernel_size=1, has_bias=True, weight_init=weight_init, bias_init="ones"
    )


class ResidualUnit(nn.Cell):
    """Two convolutions beside a skip connection.

    Args:
        features (int): channels.
        skip_relu (bool): the skip carries relu(x), as in the published code whose ReLU works in
            place; the published weights were trained so.
    """

    def __init__(self, features, skip_relu):
        super().__init__()
        self.conv1 = _conv(features, features)
        self.conv2 = _conv(features, features)
        self.relu = nn.ReLU()
        self.skip_relu = skip_relu

    def construct(self, x):
        """(B, features, h, w) -> the same shape."""
        positive = self.relu(x)
        y = self.conv2(self.relu(self.conv1(positive)))
        return y + (positive if self.skip_relu else x)


class FusionBlock(nn.Cell):
    """Adds a refined encoder map to the coarser path.

    The published block doubles the resolution at its end; here the decoder does, because the last
    doubling is joined with the convolution that follows it (`DoubleSizeConv`).
    """

    def __init__(self, features, skip_relu):
        super().__init__()
        # The coarsest block has no skip and leaves resConfUnit1 unused, but checkpoints hold it.
        self.resConfUnit1 = ResidualUnit(features, skip_relu)
        self.resConfUnit2 = ResidualUnit(features, skip_relu)

    def construct(self, path, skip=None):
        """(B, features, h, w), one or two -> the same shape."""
        if skip is not None:
            path = path + self.resConfUnit1(skip)
        return self.resConfUnit2(path)


class Decoder(nn.Cell):
    """Four fusion blocks and the output convolutions.

    Args:
        features (int): channels.
        variant (str): see `MidasNet`.
        non_negative (bool): end with a ReLU.
    """

    def __init__(self, features, variant, non_negative):
        super().__init__()
        skip_relu = variant == "torch"
        inner, outer = ("align_corners", "half_pixel") if skip_relu else ("legacy", "legacy")
        self.layer1_rn = _conv(256, features, has_bias=False)
        self.layer2_rn = _conv(512, features, has_bias=False)
        self.layer3_rn = _conv(1024, features, has_bias=False)
        self.layer4_rn = _conv(2048, features, has_bias=False)
        self.refinenet4 = FusionBlock(features, skip_relu)
        self.refinenet3 = FusionBlock(features, skip_relu)
        self.refinenet2 = FusionBlock(features, skip_relu)
        self.refinenet1 = FusionBlock(features, skip_relu)
        self.double = DoubleSize(inner)
        # Numbered as in the published checkpoint, where the doubling is entry 1.
        self.output_conv = nn.CellList(
            [
                _double_conv(features, 128, inner),
                nn.Identity(),
                _double_conv(128, 32, outer),
                nn.ReLU(),
                _last_conv(32),
                nn.ReLU() if non_negative else nn.Identity(),
            ]
        )

    def construct(self, layer1, layer2, layer3, layer4):
        """The encoder's four maps (B, C, H / 4, W / 4) ... (B, C, H / 32, W / 32) -> (B, H, W)."""
        path = self.refinenet4(self.layer4_rn(layer4))
        path = self.refinenet3(self.double(path), self.layer3_rn(layer3))
        path = self.refinenet2(self.double(path), self.layer2_rn(layer2))
        path = self.refinenet1(self.double(path), self.layer1_rn(layer1))
        for cell in self.output_conv:
            path = cell(path)
        return path.squeeze(1)


class MidasNet(nn.Cell):
    """Inverse depth, up to scale and shift, from one image.

    Parameters have the names of the published PyTorch checkpoint, but for BatchNorm's, which have
    MindSpore's (gamma, beta, moving_mean, moving_variance); src/weights.py maps them.

    Args:
        layers (list of int): residual blocks of the encoder's four stages.
        features (int): channels of the decoder.
        groups (int): groups of a 3x3 convolution of the encoder.
        width_per_group (int): channels of a group in the first stage.
        network_variant (str): "torch" computes what the PyTorch network does; "modelzoo" what the
            model zoo's does, which differs in the stem's max-pool padding, in the resizing and in
            the residual units' skip. Take the one that the weights were trained with.
        grouped_conv (str): see `GroupedConv`.
        non_negative (bool): end with a ReLU.

    Raises:
        InputError: not four stages.
    """

    def __init__(
        self,
        layers=(3, 4, 23, 3),
        features=256,
        groups=32,
        width_per_group=8,
        network_variant="torch",
        grouped_conv="auto",
        non_negative=True,
    ):
        super().__init__()
        self.options = {
            "layers": list(layers),
            "features": features,
            "groups": groups,
            "width_per_group": width_per_group,
            "network_variant": network_variant,
        }
        if len(layers) != 4:
            raise InputError(f"layers: the encoder has 4 stages, got {list(layers)}")
        same_pool = network_variant == "modelzoo"
        self.pretrained = Encoder(layers, groups, width_per_group, same_pool, grouped_conv)
        self.scratch = Decoder(features, network_variant, non_negative)

    def construct(self, image):
        """Predict.

        Args:
            image: (B, 3, H, W), RGB, normalised; H and W multiples of 32.

        Returns:
            (B, H, W) inverse depth up to scale and shift, >= 0 with non_negative.
        """
        return self.scratch(*self.pretrained(image))
