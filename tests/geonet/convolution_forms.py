"""What the tests of ConvLayer's other forms share."""

import mindspore as ms
import numpy as np
from mindspore import ops

from geonet.src.networks.layers import ConvLayer


def check_is_the_convolution(form, size, kernel_size, stride, padding):
    """A form gives a layer's convolution and its gradients, of images with 3 channels."""
    rng = np.random.default_rng(0)
    layer = ConvLayer(3, 5, kernel_size, stride, padding=padding)
    plain = layer.conv
    x = ms.Tensor(rng.standard_normal((2, 3, *size), np.float32))
    weight = ms.Tensor(rng.standard_normal(layer.weight.shape, np.float32))
    expected = plain(x, weight)
    sens = ms.Tensor(rng.standard_normal(expected.shape, np.float32))
    grad = ops.GradOperation(get_all=True, sens_param=True)
    wanted = expected, *grad(lambda a, b: plain(a, b))(x, weight, sens)
    # Sums of at most 147 products in another order.
    for got, values in zip((form(x, weight), *grad(form)(x, weight, sens)), wanted):
        np.testing.assert_allclose(got.asnumpy(), values.asnumpy(), rtol=0, atol=1e-5)


def counted_calls(monkeypatch, form):
    """A list that grows with each call of a form's cells."""
    calls, construct = [], form.construct

    def counted(cell, x, weight):
        calls.append(x.shape)
        return construct(cell, x, weight)

    monkeypatch.setattr(form, "construct", counted)
    return calls
