"""Maps with a few pixels: the matrix product is the convolution, with its gradients."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from geonet.src.networks import few_pixels
from geonet.src.networks.few_pixels import FewPixelsConv
from geonet.src.networks.layers import ConvLayer


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
    rng = np.random.default_rng(0)
    layer = ConvLayer(3, 5, kernel_size, stride, padding=padding)
    x = ms.Tensor(rng.standard_normal((2, 3, *size), np.float32))
    weight = ms.Tensor(rng.standard_normal(layer.weight.shape, np.float32))
    few, plain = FewPixelsConv(kernel_size, stride, padding), layer.conv
    expected = plain(x, weight)
    sens = ms.Tensor(rng.standard_normal(expected.shape, np.float32))
    grad = ops.GradOperation(get_all=True, sens_param=True)
    wanted = expected, *grad(lambda a, b: plain(a, b))(x, weight, sens)
    # Sums of at most 147 products in another order.
    for got, values in zip((few(x, weight), *grad(few)(x, weight, sens)), wanted):
        np.testing.assert_allclose(got.asnumpy(), values.asnumpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "stride", "cpu_form", "expected"),
    [((2, 4), 1, True, 1), ((4, 8), 2, True, 1), ((3, 3), 1, True, 0), ((2, 4), 1, False, 0)],
)
def test_only_few_pixels_take_it_and_only_on_cpu(monkeypatch, size, stride, cpu_form, expected):
    calls, construct = [], FewPixelsConv.construct

    def counted(cell, x, weight):
        calls.append(x.shape)
        return construct(cell, x, weight)

    monkeypatch.setattr(few_pixels.FewPixelsConv, "construct", counted)
    layer = ConvLayer(1, 2, 3, stride, padding="same")
    layer.cpu_form = cpu_form
    layer(ms.Tensor(np.ones((1, 1, *size), np.float32)))
    assert len(calls) == expected
