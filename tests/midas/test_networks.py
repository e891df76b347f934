"""MidasNet: names and sizes, the ways to compute it, shapes, learning, refusals."""

import json

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from midas.src.losses import make_loss
from midas.src.model_utils.errors import InputError
from midas.src.networks import MidasNet
from midas.src.networks.grouped_conv import GroupedConv
from midas.src.weights import from_torch_name
from tests.golden_files import golden_dir

RNG = np.random.default_rng(0)


def random(*shape):
    return ms.Tensor(RNG.normal(size=shape).astype(np.float32))


def small(**options):
    ms.set_seed(1)
    return MidasNet((1, 1, 1, 1), features=16, groups=4, width_per_group=8, **options)


def test_parameters_are_the_published_ones():
    keys = json.loads((golden_dir("midas") / "keys.json").read_text())
    expected = {from_torch_name(key): tuple(shape) for key, shape, *_ in keys["midas_v21"]}
    expected.pop(None)
    net = MidasNet()
    assert {p.name: tuple(p.shape) for p in net.get_parameters()} == expected
    floats = sum(int(np.prod(shape)) for shape in expected.values())
    assert floats == keys["_counts"]["midas_v21_float_values"]
    backbone = [p for p in net.trainable_params() if p.name.startswith("pretrained.")]
    zoo = [name for name, _, _, trained in keys["modelzoo"] if trained and "backbone" in name]
    joined = {name if ".convs." not in name else name.split(".convs.")[0] for name in zoo}
    assert len(backbone) == len(joined)


@pytest.mark.parametrize("variant", ["torch", "modelzoo"])
@pytest.mark.parametrize("size", [(32, 64), (96, 32)])
def test_shapes_and_sign(variant, size):
    image = random(2, 3, *size)
    assert (small(network_variant=variant)(image).asnumpy() >= 0).all()
    signed = small(network_variant=variant, non_negative=False)(image)
    assert signed.shape == (2, *size)


def test_a_batch_is_its_images_one_by_one():
    net, images = small(non_negative=False).set_train(False), random(3, 3, 64, 64)
    together = net(images).asnumpy()
    single = np.concatenate([net(images[i : i + 1]).asnumpy() for i in range(3)])
    np.testing.assert_allclose(together, single, atol=1e-5)


def output_and_gradients(cell, x, direction):
    """cell(x), and the gradients of its product with direction by x and by the weight."""

    def loss(x):
        return (cell(x) * direction).sum()

    grad_x, (grad_weight,) = ms.grad(loss, 0, weights=[cell.weight])(x)
    return [tensor.asnumpy() for tensor in (cell(x), grad_x, grad_weight)]


@pytest.mark.parametrize("stride", [1, 2])
def test_the_ways_to_compute_a_grouped_convolution_agree(stride):
    """Output and weight gradient also beside sums written out in numpy."""
    channels, groups = 96, 6
    x, weight = random(2, channels, 6, 9), random(channels, channels // groups, 3, 3)
    direction = random(2, channels, -(-6 // stride), -(-9 // stride))
    results = {}
    for method in ("native", "split", "merged"):
        cell = GroupedConv(channels, stride, groups, method, "normal")
        cell.weight.set_data(weight)
        results[method] = output_and_gradients(cell, x, direction)
    padded = np.pad(x.asnumpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    view = view[:, :, ::stride, ::stride].reshape(2, groups, 16, *direction.shape[2:], 3, 3)
    kernel = weight.asnumpy().reshape(groups, 16, 16, 3, 3)
    expected = np.einsum("bgihwyx,goiyx->bgohw", view, kernel).reshape(direction.shape)
    slope = direction.asnumpy().reshape(2, groups, 16, *direction.shape[2:])
    expected_weight = np.einsum("bgihwyx,bgohw->goiyx", view, slope).reshape(weight.shape)
    for method, got in results.items():
        for a, b in zip(got, (expected, results["split"][1], expected_weight)):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4, err_msg=method)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ssi", "ssimae_trimmed"])
def test_a_few_steps_lower_the_loss(name):
    net, loss = small(non_negative=False).set_train(), make_loss(name)
    image = random(2, 3, 64, 64)
    target = image[:, 0] + ops.linspace(ms.Tensor(0.0), ms.Tensor(9.0), 64)
    optimizer = nn.Adam(net.trainable_params(), learning_rate=1e-3)

    def forward(image):
        return loss(net(image), ops.ones_like(target), target)

    compute = ms.value_and_grad(forward, None, optimizer.parameters)

    @ms.jit
    def step(image):
        value, gradients = compute(image)
        optimizer(gradients)
        return value

    values = [float(step(image).asnumpy()) for _ in range(6)]
    assert values[-1] < 0.9 * values[0]
    still = [p.name for p, g in zip(optimizer.parameters, compute(image)[1]) if not g.any()]
    # The coarsest fusion block has no skip; PyTorch's checkpoint holds its unit all the same.
    assert {name.rpartition(".conv")[0] for name in still} == {"scratch.refinenet4.resConfUnit1"}


def test_mistakes_are_named():
    with pytest.raises(InputError, match="4 stages, got"):
        MidasNet(layers=(1, 1))


def test_random_weights_start_with_an_open_relu():
    """With the last ReLU closed at every pixel nothing would ever be learnt."""
    for seed in range(8):
        ms.set_seed(seed)
        net = MidasNet((1, 1, 1, 1), features=8, groups=2, width_per_group=8)
        prediction = net.set_train()(random(2, 3, 64, 64)).asnumpy()
        assert (prediction > 0).mean() > 0.9, seed
