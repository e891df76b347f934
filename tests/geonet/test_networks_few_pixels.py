"""Maps with a few pixels: the matrix products are the convolution, with its gradients."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from geonet.src.model_utils.cpu_forms import use_plain_forms
from geonet.src.networks.few_pixels import FewPixelsConv, ShiftedConv
from geonet.src.networks.layers import ConvLayer
from tests.geonet.convolution_forms import check_is_the_convolution, counted_calls


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "padding"),
    [
        ((1, 1), 3, 1, "same"),
        ((1, 2), 3, 2, "same"),
        ((2, 3), 3, 2, "same"),
        ((3, 4), 3, 2, "same"),
        ((3, 5), 5, 2, "explicit"),
        ((2, 4), 3, 1, "explicit"),
        ((4, 4), 1, 2, "explicit"),
        ((1, 3), 7, 2, "same"),
    ],
)
def test_it_is_the_convolution(size, kernel_size, stride, padding):
    form = FewPixelsConv(kernel_size, stride, padding)
    check_is_the_convolution(form, size, kernel_size, stride, padding)


@pytest.mark.parametrize(
    ("size", "stride", "cpu_form", "expected"),
    [((2, 4), 1, True, 1), ((4, 8), 2, True, 1), ((3, 3), 1, True, 0), ((2, 4), 1, False, 0)],
)
def test_only_few_pixels_take_it_and_only_on_cpu(monkeypatch, size, stride, cpu_form, expected):
    calls = counted_calls(monkeypatch, FewPixelsConv)
    layer = ConvLayer(1, 2, 3, stride, padding="same")
    layer.cpu_form = cpu_form
    layer(ms.Tensor(np.ones((1, 1, *size), np.float32)))
    assert len(calls) == expected


@pytest.mark.parametrize(("batch", "size"), [(1, (4, 5)), (2, (1, 3))])
def test_shifted_copies_are_the_convolution(batch, size):
    rng = np.random.default_rng(0)
    x = ms.Tensor(rng.normal(size=(batch, 3, *size)).astype(np.float32))
    weight = ms.Tensor(rng.normal(size=(6, 3, 3, 3)).astype(np.float32))
    expected = ops.Conv2D(6, 3, pad_mode="pad", pad=1)(x, weight).asnumpy()
    np.testing.assert_allclose(ShiftedConv(6)(x, weight).asnumpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "kernel_size", "doubles", "size", "is_taken"),
    [
        (1024, 3, False, (4, 16), True),
        (1024, 3, True, (2, 8), True),
        (1024, 3, False, (5, 13), False),
        (1024, 1, False, (4, 16), False),
        (1023, 3, False, (4, 16), False),
    ],
)
def test_exported_graphs_shift_copies_for_many_kernels(
    channels, kernel_size, doubles, size, is_taken, monkeypatch
):
    taken, construct = [], ShiftedConv.construct

    def noted(self, *given):
        taken.append(self)
        return construct(self, *given)

    monkeypatch.setattr(ShiftedConv, "construct", noted)
    layer = ConvLayer(channels, 512, kernel_size, doubles=doubles).set_train(False)
    x = ms.Tensor(np.random.default_rng(0).random((1, channels, *size), np.float32))
    expected = layer(x).asnumpy()
    assert not taken
    use_plain_forms(layer)
    np.testing.assert_allclose(layer(x).asnumpy(), expected, rtol=0, atol=1e-4)
    assert bool(taken) == is_taken
