"""Two rows at a time: the same convolution, and where it is taken."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from geonet.src.networks import row_pairs
from geonet.src.networks.layers import ConvLayer
from geonet.src.networks.row_pairs import RowPairConv


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize("padding", ["same", "explicit"])
@pytest.mark.parametrize(("kernel_size", "size"), [(7, (8, 6)), (7, (4, 2)), (3, (12, 10))])
def test_it_is_the_convolution(kernel_size, size, padding):
    rng = np.random.default_rng(0)
    layer = ConvLayer(3, 5, kernel_size, 2, padding=padding)
    x = ms.Tensor(rng.standard_normal((2, 3, *size), np.float32))
    weight = ms.Tensor(rng.standard_normal(layer.weight.shape, np.float32))
    pairs, expected = RowPairConv(kernel_size, padding), layer.conv(x, weight)
    sens = ms.Tensor(rng.standard_normal(expected.shape, np.float32))
    grad = ops.GradOperation(get_all=True, sens_param=True)
    wanted = expected, *grad(lambda a, b: layer.conv(a, b))(x, weight, sens)
    # Sums of at most 147 products in another order.
    for got, values in zip((pairs(x, weight), *grad(pairs)(x, weight, sens)), wanted):
        np.testing.assert_allclose(got.asnumpy(), values.asnumpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "channels", "is_training", "expected"),
    [
        ((16, 12), 16, False, 1),
        ((16, 12), 17, False, 0),
        ((16, 12), 16, True, 0),
        ((18, 12), 16, False, 0),
        ((16, 13), 16, False, 0),
    ],
)
def test_few_channels_take_it_without_gradients(monkeypatch, size, channels, is_training, expected):
    calls, construct = [], RowPairConv.construct

    def counted(cell, x, weight):
        calls.append(x.shape)
        return construct(cell, x, weight)

    monkeypatch.setattr(row_pairs.RowPairConv, "construct", counted)
    layer = ConvLayer(2, channels, 7, 2, padding="same").set_train(is_training)
    x = ms.Tensor(np.random.default_rng(0).standard_normal((1, 2, *size), np.float32))
    got = layer(x).asnumpy()
    assert len(calls) == expected
    if not is_training:
        layer.cpu_form = False
        np.testing.assert_allclose(got, layer(x).asnumpy(), atol=1e-5)
