"""Two rows at a time: the same convolution, and where it is taken."""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.networks.layers import ConvLayer
from geonet.src.networks.row_pairs import RowPairConv
from tests.geonet.convolution_forms import check_is_the_convolution, counted_calls


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize("padding", ["same", "explicit"])
@pytest.mark.parametrize(("kernel_size", "size"), [(7, (8, 6)), (7, (4, 2)), (3, (12, 10))])
def test_it_is_the_convolution(kernel_size, size, padding):
    form = RowPairConv(kernel_size, padding)
    check_is_the_convolution(form, size, kernel_size, 2, padding)


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
    calls = counted_calls(monkeypatch, RowPairConv)
    layer = ConvLayer(2, channels, 7, 2, padding="same").set_train(is_training)
    x = ms.Tensor(np.random.default_rng(0).standard_normal((1, 2, *size), np.float32))
    got = layer(x).asnumpy()
    assert len(calls) == expected
    if not is_training:
        layer.cpu_form = False
        np.testing.assert_allclose(got, layer(x).asnumpy(), atol=1e-5)
