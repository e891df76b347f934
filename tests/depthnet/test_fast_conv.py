"""Each form of a convolution beside MindSpore's own: values, gradients, where it is taken."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from depthnet.src import fast_conv
from depthnet.src.fast_conv import FastConv, Largest, WinogradRows
from depthnet.src.model_utils.cpu_forms import use_plain_forms

# Winograd's tiles lose about two digits of float32.
TOLERANCE = 1e-4
# Channels in and out, kernel, batch, size, options; sizes are no multiples of a tile.
CASES = {
    "3x3": (5, 4, 3, 2, (30, 35), {}),
    "3x3 pooled": (5, 4, 3, 2, (29, 38), {"pools": True}),
    "3x3 uneven": (3, 2, 3, 1, (33, 42), {"pad_mode": "pad", "padding": (1, 0, 0, 0)}),
    "5x5": (3, 4, 5, 2, (31, 26), {"has_bias": False}),
    "5x5 pooled": (3, 4, 5, 3, (31, 34), {"pad_mode": "pad", "padding": (1, 1, 2, 2)}),
    "offsets": (3, 8, 7, 2, (13, 16), {"pools": True}),
    "offsets, stride 2": (3, 8, 9, 2, (23, 30), {"stride": 2, "pools": True}),
    "transposed": (8, 1, 5, 2, (7, 10), {}),
    "transposed uneven": (8, 1, 3, 2, (7, 10), {"pad_mode": "pad", "padding": (1, 0, 2, 1)}),
}
CASES["5x5 pooled"][-1]["pools"] = True
CASES["offsets, stride 2"][-1].update(pad_mode="pad", padding=(4, 5, 4, 5))
FORMS = {"3x3": "_by_tiles", "5x5": "_by_tiles", "off": "_by_offsets", "tra": "_transposed"}


def gradients(conv, x, slope):
    """Output, and gradients of x and the parameters for a given gradient of the output, compiled as
    a training step is."""
    weights = conv.trainable_params()

    def product(x):
        y = conv(x)
        return (y * slope).sum(), y

    grad = ms.value_and_grad(product, 0, weights, has_aux=True)

    @ms.jit
    def run(x):
        return grad(x)

    (_, y), (of_x, of_weights) = run(x)
    return y, of_x, *of_weights


def random(*shape):
    rng = np.random.default_rng(sum(shape))
    return ms.Tensor(rng.standard_normal(shape, np.float32))


def make(case):
    inputs, outputs, kernel, batch, size, options = CASES[case]
    conv = FastConv(inputs, outputs, kernel, **{"has_bias": True, **options})
    for parameter in conv.get_parameters():
        parameter.set_data(random(*parameter.shape))
    return conv, random(batch, inputs, *size)


@pytest.fixture(autouse=True)
def few_channels(monkeypatch):
    """Let the tests' small convolutions take Winograd's way."""
    monkeypatch.setattr(fast_conv, "_LEAST_CHANNELS", 2)


@pytest.fixture
def taken(monkeypatch):
    """Names of the forms that are taken."""
    names = []
    for name in set(FORMS.values()):
        form = getattr(FastConv, name)

        def noted(self, x, name=name, form=form):
            names.append(name)
            return form(self, x)

        monkeypatch.setattr(FastConv, name, noted)
    return names


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_the_plain_form(case):
    conv, x = make(case)
    slope = random(*conv(x).shape)
    found = gradients(conv, x, slope)
    use_plain_forms(conv)
    expected = gradients(conv, x, slope)
    for a, b in zip(found, expected):
        a, b = a.asnumpy(), b.asnumpy()
        assert a.shape == b.shape
        assert np.abs(a - b).max() < TOLERANCE * np.abs(b).max()


@pytest.mark.parametrize("case", CASES)
def test_the_form_is_taken_on_a_cpu_only(case, taken):
    conv, x = make(case)
    conv.construct(x)
    assert set(taken) == {FORMS[case[:3]]}
    taken.clear()
    use_plain_forms(conv)
    conv.construct(x)
    assert not taken


def test_the_plain_form_is_mindspores_own():
    conv, x = make("3x3 pooled")
    use_plain_forms(conv)
    expected = ops.conv2d(x, conv.weight, conv.bias, pad_mode="same")
    expected = nn.MaxPool2d(kernel_size=2, stride=2)(expected)
    np.testing.assert_allclose(conv(x).asnumpy(), expected.asnumpy(), atol=1e-5)


def test_an_exported_kernel_of_few_inputs_is_not_square(monkeypatch):
    """MindSpore Lite takes a square one by Winograd's way, three times as slow for few inputs."""
    conv, x = make("offsets")
    use_plain_forms(conv)
    kernels, widened = [], conv.widened
    monkeypatch.setattr(conv, "widened", lambda x, w: kernels.append(w.shape) or widened(x, w))
    found = conv.construct(x).asnumpy()
    assert kernels == [(8, 3, 7, 8)]
    expected = ops.conv2d(x, conv.weight, conv.bias, pad_mode="same")
    expected = nn.MaxPool2d(kernel_size=2, stride=2)(expected).asnumpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_few_tiles_other_kernels_and_float16_are_convolved_directly(taken):
    small, wide = FastConv(3, 4, 3), FastConv(8, 4, 7, pools=True)
    small.construct(random(1, 3, 20, 28))
    wide.construct(random(1, 8, 40, 40))
    conv, x = make("3x3")
    conv.weight.set_dtype(ms.float16)
    conv.bias.set_dtype(ms.float16)
    conv.construct(x.astype(ms.float16))
    assert not taken
    small.construct(random(1, 3, 20, 32))
    assert taken == ["_by_tiles"]


def test_a_large_batch_is_convolved_a_few_images_at_a_time(taken, monkeypatch):
    conv, x = make("5x5 pooled")
    at_once = conv.construct(x).asnumpy()
    monkeypatch.setattr(fast_conv, "_MOST_TILES", 150)
    parts = conv.construct(x).asnumpy()
    assert len(taken) == 1 + 2
    np.testing.assert_allclose(parts, at_once, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_rounding_is_small_beside_float64(kernel_size):
    """1e-5 of the largest output, with as many channels as DepthNet's."""
    x, weight = random(1, 64, 40, 40), random(16, 64, kernel_size, kernel_size)
    rows = WinogradRows(kernel_size, (0, 0, 0, 0), False)(x, weight).asnumpy()
    size = 41 - kernel_size
    windows = np.lib.stride_tricks.sliding_window_view(
        x.asnumpy()[0].astype(np.float64), (kernel_size, kernel_size), (1, 2)
    )
    exact = np.einsum("chwij,ocij->ohw", windows, weight.asnumpy())
    tiles = -(-size // 4)
    found = rows.reshape(4, 4, 16, tiles, tiles).transpose(2, 3, 0, 4, 1)
    found = found.reshape(16, 4 * tiles, 4 * tiles)[:, :size, :size]
    assert np.abs(found - exact).max() < 2e-5 * np.abs(exact).max()


def test_the_largest_of_four_hands_its_gradient_to_one():
    four = [ms.Tensor(np.float32(row)) for row in ([1, 5, 2], [4, 5, 2], [3, 5, 1], [4, 0, 3])]
    slope = ms.Tensor(np.float32([10, 20, 30]))
    np.testing.assert_array_equal(Largest()(*four).asnumpy(), [4, 5, 3])
    found = ops.GradOperation(get_all=True, sens_param=True)(Largest())(*four, slope)
    expected = [[0, 20, 0], [10, 0, 0], [0, 0, 0], [0, 0, 30]]
    np.testing.assert_array_equal([a.asnumpy() for a in found], expected)
