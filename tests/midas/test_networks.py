"""MidasNet: names and sizes, the ways to compute it, shapes, learning, refusals."""

import json

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from midas.src.losses import make_loss
from midas.src.model_utils.cpu_forms import use_plain_forms
from midas.src.model_utils.errors import InputError
from midas.src.networks import MidasNet, grouped_conv
from midas.src.networks.encoder import Bottleneck, PaddedMaxPool
from midas.src.networks.grouped_conv import GroupedConv, default_method
from midas.src.networks.midas_net import FusionBlock, ResidualUnit
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


@pytest.mark.parametrize(("channels", "groups", "stride"), [(96, 6, 1), (96, 6, 2), (32, 2, 1)])
def test_the_ways_to_compute_a_grouped_convolution_agree(channels, groups, stride):
    """Output and weight gradient also beside sums written out in numpy."""
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


@pytest.mark.parametrize(
    ("channels", "groups", "method", "pieces"),
    [
        (256, 32, "split", 32),
        (256, 32, "merged", 4),  # eight groups of 8 are 64 channels
        (256, 4, "merged", 4),  # a group of 64 is wide enough
        (96, 12, "merged", 3),  # 12 groups divide into fours, not into eights
        (32, 4, "merged", 1),
        (256, 32, "native", 1),
    ],
)
def test_groups_are_merged_until_a_convolution_is_wide_enough(channels, groups, method, pieces):
    cell, x = GroupedConv(channels, 1, groups, method, "normal"), random(1, channels, 2, 2)
    widths = []
    conv = cell.conv

    def note(image, weight):
        widths.append(image.shape[1])
        return conv(image, weight)

    del cell.conv
    object.__setattr__(cell, "conv", note)
    assert cell.construct(x).shape == x.shape
    assert widths == [channels // pieces] * pieces


def test_auto_is_native_but_on_ascend_split(monkeypatch):
    for target, method in (("CPU", "native"), ("GPU", "native"), ("Ascend", "split")):
        monkeypatch.setattr(grouped_conv, "device_target", lambda found=target: found)
        assert default_method() == method
    assert GroupedConv(8, 1, 4, "auto", "normal").pieces == 4


def test_a_residual_unit_without_weights_is_its_skip():
    x = random(1, 4, 3, 3)
    for skip_relu in (False, True):
        unit = zeroed(ResidualUnit(4, skip_relu))
        expected = np.maximum(x.asnumpy(), 0) if skip_relu else x.asnumpy()
        np.testing.assert_array_equal(unit(x).asnumpy(), expected)
        unit.conv2.bias.set_data(ms.Tensor(np.float32([1, 2, 3, 4])))
        added = np.float32([1, 2, 3, 4]).reshape(4, 1, 1)
        np.testing.assert_allclose(unit(x).asnumpy(), expected + added, atol=1e-6)


def test_a_fusion_block_adds_the_skip_to_the_path():
    path, skip = random(1, 4, 3, 3), random(1, 4, 3, 3)
    block = zeroed(FusionBlock(4, False))
    np.testing.assert_array_equal(block(path).asnumpy(), path.asnumpy())
    np.testing.assert_array_equal(block(path, skip).asnumpy(), (path + skip).asnumpy())


def test_a_bottleneck_adds_its_skip():
    """The third normalisation starts with weights of 1; with 0 its branch is its bias."""
    block, x = Bottleneck(16, 4, 1, 2, 64, "native").set_train(False), random(1, 16, 3, 3)
    block.bn3.gamma.set_data(ms.ops.zeros(16, ms.float32))
    block.bn3.beta.set_data(ms.ops.full((16,), 0.5, dtype=ms.float32))
    np.testing.assert_allclose(block(x).asnumpy(), np.maximum(x.asnumpy() + 0.5, 0), atol=1e-6)


def zeroed(cell):
    for parameter in cell.get_parameters():
        parameter.set_data(ms.ops.zeros(parameter.shape, ms.float32))
    return cell


def pooled(x, before, after):
    """3x3 maxima with stride 2 of (B, C, h, w) with a border of zeros, in numpy."""
    x = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
    view = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return view[:, :, ::2, ::2].max((4, 5))


def test_the_stem_has_a_border_of_three_on_every_side():
    conv, x = small().pretrained.layer1[0], random(1, 3, 9, 11)
    assert conv(random(1, 3, 64, 32)).shape == (1, 64, 32, 16)
    assert conv(x).shape == (1, 64, 5, 6)
    weight = conv.weight.asnumpy()
    padded = np.pad(x.asnumpy(), ((0, 0), (0, 0), (3, 3), (3, 3)))
    expected = np.einsum("chw,ochw->o", padded[0, :, 2:9, 4:11], weight)
    np.testing.assert_allclose(conv(x).asnumpy()[0, :, 1, 2], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(8, 6), (7, 9)])
def test_the_stem_s_pool_has_a_border_on_every_side(size):
    x = ops.abs(random(2, 3, *size))
    pool, expected = PaddedMaxPool(), pooled(x.asnumpy(), 1, 1)
    np.testing.assert_array_equal(pool(x).asnumpy(), expected)
    use_plain_forms(pool)
    np.testing.assert_array_equal(pool(x).asnumpy(), expected)


@pytest.mark.parametrize(("variant", "before"), [("torch", 1), ("modelzoo", 0)])
def test_the_variants_differ_in_pooling_skips_and_resizing(variant, before):
    net, x = small(network_variant=variant), ops.abs(random(1, 2, 8, 6))
    pool = net.pretrained.layer1[3]
    np.testing.assert_array_equal(pool(x).asnumpy(), pooled(x.asnumpy(), before, 1))
    decoder = net.scratch
    modes = [cell.mode for cell in (decoder.double, decoder.output_conv[0], decoder.output_conv[2])]
    inner, outer = ("align_corners", "half_pixel") if variant == "torch" else ("legacy", "legacy")
    assert modes == [inner, inner, outer]
    for i in (1, 2, 3, 4):
        assert getattr(decoder, f"refinenet{i}").resConfUnit2.skip_relu == (variant == "torch")


def test_weights_start_as_pytorch_s():
    """Encoder: normal, variance 2 / fan out. Decoder: uniform within 1 / sqrt(fan in), bias too."""
    ms.set_seed(0)
    net = MidasNet((1, 1, 1, 1), features=64)
    stem, grouped = net.pretrained.layer1[0].weight, net.pretrained.layer1[4][0].conv2.weight
    for weight, fan_out in ((stem, 64 * 49), (grouped, 256 * 9)):
        assert weight.asnumpy().std() == pytest.approx(np.sqrt(2 / fan_out), rel=0.02)
    unit, (first, last) = net.scratch.refinenet1.resConfUnit1, net.scratch.output_conv[::4]
    for cell, bound in ((unit.conv1, 1 / 24), (first, 1 / 24), (net.scratch.layer1_rn, 1 / 48)):
        values = cell.weight.asnumpy()
        assert 0.99 * bound < np.abs(values).max() <= 1.0001 * bound
        assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    biases = np.abs(np.concatenate([first.bias.asnumpy(), unit.conv1.bias.asnumpy()]))
    assert 0.97 / 24 < biases.max() <= 1.0001 / 24
    assert 0.7 / np.sqrt(32) < np.abs(last.weight.asnumpy()).max() <= 1.0001 / np.sqrt(32)
    assert last.bias.asnumpy().tolist() == [1]


def test_normalisation_is_pytorch_s():
    """An epsilon of 1e-5, seen beside a variance as small; statistics move a tenth of the way."""
    norm = small().pretrained.layer1[1].set_train(False)
    norm.moving_variance.set_data(ms.ops.full((64,), 1e-5, dtype=ms.float32))
    x = random(4, 64, 5, 5)
    np.testing.assert_allclose(norm(x).asnumpy(), x.asnumpy() / np.sqrt(2e-5), rtol=1e-3)
    norm.set_train()(x + 10)
    expected = 0.1 * (x.asnumpy().mean((0, 2, 3)) + 10)
    np.testing.assert_allclose(norm.moving_mean.asnumpy(), expected, rtol=1e-4)


def test_negative_values_are_cut_off_unless_told_otherwise():
    image = random(1, 3, 32, 32)
    for options in ({}, {"non_negative": False}):
        net = small(**options)
        net.scratch.output_conv[4].bias.set_data(ms.Tensor(np.float32([-1000])))
        highest = net(image).asnumpy().max()
        assert highest < -500 if options else highest == 0


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
