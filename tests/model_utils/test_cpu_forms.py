"""Winograd's convolution beside the definition: values, gradients, where it is used."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from midas.src.model_utils import cpu_forms
from midas.src.model_utils.cpu_forms import (
    TurnedConv,
    WinogradConv,
    device_target,
    fits,
)

# F(4x4, 3x3) loses about two digits of float32.
TOLERANCE = 1e-4


class Direct(nn.Cell):
    """The definition."""

    def __init__(self, channels):
        super().__init__()
        self.conv = ops.Conv2D(channels, 3, pad_mode="pad", pad=1)

    def construct(self, x, weight):
        return self.conv(x, weight)


class Gradients(nn.Cell):
    """Output and gradients of x and weight for a given gradient of the output."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv
        self.grad = ops.GradOperation(get_all=True, sens_param=True)

    def construct(self, x, weight, slope):
        return (self.conv(x, weight), *self.grad(self.conv)(x, weight, slope))


def random(*shape):
    rng = np.random.default_rng(sum(shape))
    return ms.Tensor(rng.standard_normal(shape, np.float32))


@pytest.mark.parametrize(
    "batch, inputs, outputs, height, width", [(1, 3, 5, 48, 48), (3, 6, 2, 4, 8)]
)
def test_values_and_gradients(batch, inputs, outputs, height, width):
    x, weight = random(batch, inputs, height, width), random(outputs, inputs, 3, 3)
    slope = random(batch, outputs, height, width)
    found = Gradients(WinogradConv())(x, weight, slope)
    expected = Gradients(Direct(outputs))(x, weight, slope)
    for name, a, b in zip(("output", "dx", "dweight"), found, expected):
        a, b = a.asnumpy(), b.asnumpy()
        assert a.shape == b.shape, name
        assert np.abs(a - b).max() < TOLERANCE * np.abs(b).max(), name


def test_where_it_is_used():
    assert fits((1, 256, 48, 48), ms.float32, True)
    assert fits((3, 256, 16, 48), ms.float32, True)  # the tiles of all images count
    assert not fits((1, 256, 44, 48), ms.float32, True)  # too few tiles
    assert fits((2, 256, 28, 16), ms.float32, False)  # 56 of them
    assert not fits((1, 256, 44, 20), ms.float32, False)  # 55 are too few
    assert not fits((1, 256, 96, 98), ms.float32, False)  # tiles would be cut
    assert not fits((1, 256, 96, 96), ms.float16, False)  # too few digits


@pytest.mark.parametrize("borders", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 2)])
@pytest.mark.parametrize(("kernel_size", "outputs"), [(3, 1), (3, 4), (5, 2)])
def test_a_transposed_convolution_with_the_turned_kernel(kernel_size, outputs, borders):
    x, weight = random(2, 3, 7, 9), random(outputs, 3, kernel_size, kernel_size)
    plain = ops.Conv2D(outputs, kernel_size, pad_mode="pad", pad=borders)
    turned = TurnedConv(kernel_size, borders)
    expected = plain(x, weight)
    found = [ms.grad(lambda *a, f=f: f(*a).sin().sum(), (0, 1))(x, weight) for f in (turned, plain)]
    pairs = zip((turned(x, weight), *found[0]), (expected, *found[1]), strict=True)
    for got, want in pairs:
        assert got.shape == want.shape
        np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-4, atol=1e-4)


def test_the_target_is_asked_in_the_way_that_the_version_knows(monkeypatch):
    class Current:
        device_target = "Ascend"

    class New:
        get_current_device = Current

    class Old:
        get_context = {"device_target": "GPU"}.get

    for module, target in ((New, "Ascend"), (Old, "GPU")):
        monkeypatch.setattr(cpu_forms, "ms", module)
        assert device_target() == target
