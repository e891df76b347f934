"""Names of other programs' files: which parameter each entry belongs to, which ResNet they make."""

import pytest

from monodepth2.src.networks.resnet_encoder import DEPTHS
from monodepth2.src.weights.names import count_layers, parameter_name

NAMES = {
    # PyTorch
    "encoder.bn1.weight": "encoder.bn1.gamma",
    "encoder.layer2.0.downsample.1.bias": "encoder.layer2.0.downsample.1.beta",
    "encoder.layer2.0.downsample.0.weight": "encoder.layer2.0.downsample.0.weight",
    "encoder.layer4.1.bn2.running_var": "encoder.layer4.1.bn2.moving_variance",
    "decoder.9.conv.conv.bias": "decoder.9.conv.bias",
    "decoder.10.conv.bias": "decoder.10.conv.bias",
    "net.0.weight": "net.0.weight",
    "pose_conv.bias": "pose_conv.bias",
    "encoder.bn1.num_batches_tracked": None,
    "encoder.fc.weight": None,
    # Paddle
    "encoder.bn1._mean": "encoder.bn1.moving_mean",
    "encoder.layer2.0.downsample.1._variance": "encoder.layer2.0.downsample.1.moving_variance",
    # torchvision
    "conv1.weight": "encoder.conv1.weight",
    "layer1.0.bn3.running_mean": "encoder.layer1.0.bn3.moving_mean",
    "fc.bias": None,
    "bn1.num_batches_tracked": None,
    # ours
    "encoder.bn1.moving_mean": "encoder.bn1.moving_mean",
    "decoder.0.conv.weight": "decoder.0.conv.weight",
    # nobody's
    "state": "state",
    "net.fc.weight": "net.fc.weight",
    "head.bn.weight": "head.bn.weight",
}


@pytest.mark.parametrize("key", NAMES)
def test_the_parameter_of_an_entry(key):
    assert parameter_name(key) == NAMES[key]


def blocks(counts, is_deep):
    """Parameters of the blocks of a ResNet."""
    last = 3 if is_deep else 2
    return [
        f"encoder.layer{stage}.{block}.conv{last}.weight"
        for stage, count in enumerate(counts, 1)
        for block in range(count)
    ]


@pytest.mark.parametrize("layers", DEPTHS)
def test_the_depth_of_an_encoder(layers):
    assert count_layers(blocks(*DEPTHS[layers])) == layers


def test_a_part_of_an_encoder_has_no_depth():
    assert count_layers(blocks((3, 4, 6), True)) is None
    assert count_layers(blocks((2, 2, 2, 1), False)) is None
    assert count_layers(blocks((2, 2, 2, 2), True)) is None
    assert count_layers([]) is None
