"""Convolutions in the form that suits the CPU: values, gradients, and which form is taken."""

import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from geonet.src.networks.layers import ConvLayer
from midas.src.model_utils import convolutions, strips
from midas.src.model_utils.convolutions import Conv, LeanConv, is_lean
from midas.src.model_utils.cpu_forms import use_plain_forms
from monodepth2.src.sfm_utils.decoder_conv import FeatureConv

# Winograd's F(4x4, 3x3) loses about two digits of float32.
TOLERANCE = 1e-4


def random(*shape):
    rng = np.random.default_rng(sum(shape))
    return ms.Tensor(rng.standard_normal(shape, np.float32))


BORDERS = {
    "none": {"pad_mode": "valid"},
    "one": {"pad_mode": "pad", "pad": 1},
    "TensorFlow's": {"pad_mode": "same"},
}


@pytest.fixture(params=["product", "strips"])
def way(request, monkeypatch):
    """Of the weights' gradient; strips are as thin as they may be."""
    monkeypatch.setattr(strips, "_MOST_NUMBERS", 1)
    monkeypatch.setattr(convolutions, "_LEAST_WEIGHTS", 1 if request.param == "product" else 1e9)
    return request.param


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
@pytest.mark.parametrize("border", BORDERS)
def test_a_lean_convolution_and_its_gradients(border, kernel_size, stride, batch, way):
    x, weight = random(batch, 5, 16, 19), random(4, 5, kernel_size, kernel_size)
    lean = LeanConv(kernel_size, stride, **BORDERS[border])
    plain = ops.Conv2D(4, kernel_size, stride=stride, **BORDERS[border])
    np.testing.assert_array_equal(lean(x, weight).asnumpy(), plain(x, weight).asnumpy())
    slopes = [ms.grad(lambda *a, f=f: f(*a).sin().sum(), (0, 1)) for f in (lean, plain)]
    found, expected = (slope(x, weight) for slope in slopes)
    for got, want in zip(found, expected, strict=True):
        assert got.shape == want.shape
        # The order of the sums differs.
        np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-4, atol=1e-4)


def test_where_it_saves_memory():
    def is_for(shape, weight_shape, stride=1, dtype=ms.float32):
        return is_lean(shape, weight_shape, stride, dtype)

    assert is_for((2, 512, 6, 20), (512, 512, 3, 3))
    assert is_for((16, 256, 8, 26), (1024, 256, 1, 1))
    assert not is_for((16, 255, 8, 26), (1024, 255, 1, 1))  # few weights
    assert is_for((5, 256, 64, 200), (1024, 256, 1, 1))
    assert not is_for((5, 256, 64, 205), (1024, 256, 1, 1))  # many numbers, of all images
    assert not is_for((5, 256, 38, 39), (256, 256, 3, 3))  # of all windows
    assert not is_for((2, 512, 6, 20), (512, 512, 3, 3), dtype=ms.float16)  # as MindSpore does
    assert is_for((2, 6, 192, 640), (64, 6, 7, 7), 2)  # strips
    assert is_for((2, 6, 192, 640), (64, 6, 7, 7))
    assert not is_for((5, 6, 192, 640), (64, 6, 7, 7), 2)
    assert not is_for((2, 6, 96, 192), (64, 6, 7, 7), 2)
    assert is_for((1, 33, 64, 64), (8, 33, 4, 4))  # two strips
    assert not is_for((1, 32, 64, 64), (8, 32, 4, 4))
    assert not is_for((1, 32, 128, 64), (8, 32, 4, 4), 2) and is_for(
        (1, 33, 128, 129), (8, 33, 4, 4), 2
    )


LAYERS = {
    "Conv": (lambda: Conv(4, 3, 3, "normal"), {"pad": 1}),
    "Conv, stride 2": (lambda: Conv(4, 3, 3, "normal", stride=2), {"pad": 1, "stride": 2}),
    "ConvLayer": (lambda: ConvLayer(4, 3, 3, 2), {"pad": 1, "stride": 2}),
    "FeatureConv": (lambda: FeatureConv(is_reflect=False), {"pad": 1}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_taken_where_weights_are_learned(name, monkeypatch):
    """Of each model's copy: its limit is lowered, what it gives is noted."""
    make, border = LAYERS[name]
    layer, given = make().set_train(True), []
    kind = type(layer.lean)
    monkeypatch.setattr(sys.modules[kind.__module__], "_LEAST_WEIGHTS", 1)
    construct = kind.construct
    monkeypatch.setattr(kind, "construct", lambda *a: given.append(construct(*a)) or given[-1])
    # 33 channels: fewer go another way in FeatureConv.
    x, weight = random(1, 4, 6, 10), getattr(layer, "weight", random(33, 4, 3, 3))
    inputs = (x, weight) if name == "FeatureConv" else (x,)
    layer(*inputs)
    plain = ops.Conv2D(len(weight), 3, pad_mode="pad", **border)(x, weight)
    (got,) = given
    np.testing.assert_array_equal(got.asnumpy(), plain.asnumpy())
    layer.set_train(False)
    layer(*inputs)
    assert len(given) == 1


@pytest.mark.parametrize("size", [48, 30])
def test_plain_forms_compute_the_same(size):
    cell, x = Conv(4, 3, 3, "normal", "normal"), random(2, 4, size, size)
    assert cell.weight.shape == (3, 4, 3, 3)
    cell.weight.set_data(random(3, 4, 3, 3))
    fast = cell(x).asnumpy()
    use_plain_forms(cell)
    cell.compile_cache.clear()
    plain = cell(x).asnumpy()
    direct = ops.bias_add(
        ops.Conv2D(3, 3, pad_mode="pad", pad=1)(x, cell.weight), cell.bias
    ).asnumpy()
    np.testing.assert_array_equal(plain, direct)
    assert np.array_equal(fast, plain) == (size == 30)
    assert np.abs(fast - plain).max() < TOLERANCE * np.abs(plain).max()
