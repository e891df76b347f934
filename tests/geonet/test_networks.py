"""Networks: what learns, sizes, precision, and how samples are laid out for them."""

import json

import mindspore as ms
import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.networks import make_networks, needed_networks
from geonet.src.networks.layers import BatchNorm, ConvLayer
from geonet.src.networks.layout import (
    both_depths,
    motions,
    repeated,
    scaled_camera,
    split_sources,
)
from geonet.src.networks.models import check_size, preprocess
from geonet.src.weights import trainable_variables
from tests.golden_files import golden_dir

STEPS = {
    "train_rigid_resnet50": ("rigid", {}),
    "train_rigid_vgg": ("rigid", {"dispnet_encoder": "vgg"}),
    "train_flow_residual": ("flow", {}),
    "train_flow_direct": ("flow", {"flownet_type": "direct"}),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_changes(name):
    """As many moving values as the original updates; an optimizer finds what it trains."""
    task, options = STEPS[name]
    golden = json.loads((golden_dir("geonet") / f"vars_{name}.json").read_text())
    names = needed_networks(task, options.get("flownet_type", "residual"))
    learning = golden.get("bn_update_ops_scopes", names)
    assert set(learning) == {n for n in names if task == "rigid" or n == "flow_net"}
    networks = make_networks(learning, **options)
    cells = [cell for network in networks.values() for _, cell in network.cells_and_names()]
    norms = sum(isinstance(cell, BatchNorm) for cell in cells)
    assert 2 * norms == golden["number_of_bn_update_ops"]
    trained = {id(p) for network in networks.values() for p in network.trainable_params()}
    assert trained == {id(p) for p in trainable_variables(networks).values()}


def test_networks_of_each_task():
    assert needed_networks("rigid", "residual") == ("depth_net", "pose_net")
    assert needed_networks("flow", "residual") == ("depth_net", "pose_net", "flow_net")
    assert needed_networks("flow", "direct") == ("flow_net",)
    assert needed_networks("depth", "direct") == ("depth_net",)
    assert needed_networks("pose", "direct") == ("pose_net",)


def test_initial_weights_are_xavier_s():
    network = make_networks(["pose_net"])["pose_net"]
    layer = next(cell for _, cell in network.cells_and_names() if isinstance(cell, ConvLayer))
    out, channels, *kernel = layer.weight.shape
    bound = np.sqrt(6 / ((out + channels) * np.prod(kernel)))
    values = layer.weight.asnumpy()
    assert 0.95 * bound < np.abs(values).max() <= bound
    assert (layer.norm.beta.asnumpy() == 0).all() and (layer.norm.gamma.asnumpy() == 1).all()


def test_moving_statistics_follow_by_bn_decay():
    norm = BatchNorm(1).set_train(True)
    norm.use_decay(0.75)
    norm(ms.Tensor([[[[0.0, 2.0]]]]))
    assert norm.moving_mean.asnumpy() == pytest.approx([0.25])
    # The batch's unbiased variance is 2, beside 1 to begin with.
    assert norm.moving_variance.asnumpy() == pytest.approx([0.75 + 0.5])
    network = make_networks(["pose_net"], bn_decay=0.5)["pose_net"]
    norms = [cell for _, cell in network.cells_and_names() if isinstance(cell, BatchNorm)]
    assert len(norms) == 7 and all(norm.momentum == 0.5 for norm in norms)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("outputs", [4, 40])
@pytest.mark.parametrize(("size", "stride"), [((6, 9), 1), ((7, 8), 2), ((16, 16), 1)])
@pytest.mark.parametrize("padding", ["same", "explicit"])
def test_a_layer_is_the_same_in_both_forms(size, stride, padding, outputs, training):
    layer = ConvLayer(3, outputs, 3, stride, padding=padding).set_train(training)
    x = ms.Tensor(np.random.default_rng(0).standard_normal((2, 3, *size), np.float32))
    fast = layer(x).asnumpy()
    layer.cpu_form = False
    plain = layer(x).asnumpy()
    # Winograd's tiles: up to about 1e-5 of the largest output.
    np.testing.assert_allclose(fast, plain, rtol=0, atol=2e-5 * np.abs(plain).max())


@pytest.mark.parametrize("size", [(14, 18), (3, 4)])
def test_a_layer_that_doubles_is_the_same_in_both_forms(size):
    layer = ConvLayer(3, 4, 3, doubles=True).set_train(False)
    x = ms.Tensor(np.random.default_rng(0).standard_normal((2, 3, *size), np.float32))
    fast = layer(x).asnumpy()
    assert fast.shape == (2, 4, *(2 * side for side in size))
    layer.cpu_form = False
    plain = layer(x).asnumpy()
    np.testing.assert_allclose(fast, plain, rtol=0, atol=2e-5 * np.abs(plain).max())


def test_same_padding_puts_more_to_the_right_and_below():
    """TensorFlow's rule: of 8 pixels, a 3x3 window with stride 2 sees 0-2, 2-4, 4-6, 6-7 and 0."""
    layer = ConvLayer(1, 1, 3, 2, padding="same", is_head=True)
    layer.weight.set_data(ms.ops.ones((1, 1, 3, 3)))
    layer.bias.set_data(ms.Tensor([0.5]))
    row = np.arange(8, dtype=np.float32)
    x = np.zeros((1, 1, 3, 8), np.float32)
    x[0, 0, 1] = row
    got = layer(ms.Tensor(x)).asnumpy()[0, 0, 0]
    np.testing.assert_allclose(got, [3.5, 9.5, 15.5, 13.5])


def test_sources_and_directions_in_one_batch():
    sources = np.arange(2 * 6, dtype=np.float32).reshape(2, 6, 1, 1)
    got = split_sources(ms.Tensor(sources)).asnumpy()[:, :, 0, 0]
    np.testing.assert_array_equal(got, [[0, 1, 2], [6, 7, 8], [3, 4, 5], [9, 10, 11]])
    targets = ms.Tensor(np.float32([[1], [2]]))
    np.testing.assert_array_equal(repeated(targets, 2).asnumpy()[:, 0], [1, 2, 1, 2])
    maps = ms.Tensor(np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1))
    both = both_depths(maps, 2).asnumpy()[:, 0, 0, 0]
    np.testing.assert_array_equal(both, [0, 1, 0, 1, 2, 3, 4, 5])


def test_motions_of_both_directions():
    vectors = np.zeros((2, 2, 6), np.float32)
    vectors[:, :, 0] = [[1, 2], [3, 4]]  # of the first target to its two sources ...
    found = motions(ms.Tensor(vectors), True).asnumpy()
    np.testing.assert_allclose(found[:, 0, 3], [1, 3, 2, 4, -1, -3, -2, -4])
    assert motions(ms.Tensor(vectors), False).shape == (4, 4, 4)


def test_a_camera_of_a_smaller_scale():
    K = np.float32([[[100, 0, 50], [0, 80, 20], [0, 0, 1]]])
    inverse = np.float32(np.linalg.inv(K))
    small, back = scaled_camera(ms.Tensor(K), ms.Tensor(inverse), 2, 3)
    np.testing.assert_allclose(small.asnumpy()[2], [[25, 0, 12.5], [0, 20, 5], [0, 0, 1]])
    product = small.asnumpy() @ back.asnumpy()
    np.testing.assert_allclose(product, np.repeat(np.eye(3)[None], 3, 0), atol=1e-6)


def test_images_as_the_networks_see_them():
    got = preprocess(ms.Tensor(np.uint8([0, 51, 255]))).asnumpy()
    np.testing.assert_allclose(got, [-1, -0.6, 1], atol=1e-7)


@pytest.mark.parametrize(
    ("size", "encoder", "text"),
    [
        ((130, 416), "resnet50", "img_height 130 is no multiple of 8, as resnet50 needs; use 128"),
        ((128, 420), "resnet50", "img_width 420 is no multiple of 8, as resnet50 needs; use 416"),
        ((136, 416), "vgg", "img_height 136 is no multiple of 16, as vgg needs; use 128"),
    ],
)
def test_sizes_that_do_not_suit_the_scales(size, encoder, text):
    with pytest.raises(InputError) as caught:
        check_size(*size, encoder)
    assert str(caught.value) == text
    check_size(128, 416, encoder)
