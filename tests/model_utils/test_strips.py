"""Convolutions of large maps by strips of rows: cutting, values, gradients, and where they go."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from monodepth2.src.model_utils import strips
from monodepth2.src.model_utils.strips import StripConvTranspose, cut, joined, strip_count


def random(*shape):
    rng = np.random.default_rng(sum(shape))
    return ms.Tensor(rng.standard_normal(shape, np.float32))


def test_strips_overlap_and_parts_join():
    x = random(2, 3, 8, 5)
    parts = cut(x, 3, 2, 4).asnumpy()
    for place, part in enumerate(parts):
        image, start = divmod(place, 3)
        rows = slice(2 * start, 2 * start + 4)
        np.testing.assert_array_equal(part, x.asnumpy()[image, :, rows])
    assert len(parts) == 6
    np.testing.assert_array_equal(joined(cut(x, 4, 2, 2), 4).asnumpy(), x.asnumpy())


def test_into_how_many_strips_an_image_is_cut():
    """As few of equal size as keep 2^21 numbers, or the most whose results have four rows."""
    assert strip_count(2, 16, 4, 96, 320) == 4
    assert strip_count(4, 16, 4, 96, 320) == 4
    assert strip_count(5, 16, 4, 96, 320) == 1  # many images: the copies take more
    assert strip_count(1, 16, 4, 96, 319) == 4
    assert strip_count(1, 32, 4, 64, 64) == 1  # 2^21
    assert strip_count(1, 32, 4, 64, 65) == 2
    assert strip_count(1, 33, 4, 64, 64) == 2
    assert strip_count(1, 6, 7, 96, 320) == 6
    assert strip_count(1, 64, 3, 97, 320) == 1  # a prime number of rows
    assert strip_count(1, 64, 3, 22, 3200) == 2  # not eleven of two rows
    assert strip_count(1, 640, 3, 16, 3200) == 4


@pytest.fixture
def thin(monkeypatch):
    """Strips as thin as they may be."""
    monkeypatch.setattr(strips, "_MOST_NUMBERS", 1)


SHAPES = {
    "3x3": (3, 1, (2, 5, 18, 9)),
    "4x4, doubles": (4, 2, (3, 5, 10, 7)),
    "one strip": (3, 1, (1, 5, 9, 9)),
    "5x5": (5, 1, (1, 2, 12, 8)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_transposed_convolution_and_its_gradients(name, thin):
    kernel_size, stride, shape = SHAPES[name]
    x, weight = random(*shape), random(shape[1], 4, kernel_size, kernel_size)
    pad = kernel_size - 1
    size = [stride * (n - 1) - 2 * pad + kernel_size for n in shape[2:]]
    plain = ops.Conv2DTranspose(shape[1], kernel_size, pad_mode="pad", pad=pad, stride=stride)
    by_strips, whole = StripConvTranspose(kernel_size, stride), (shape[0], 4, *size)
    count = strip_count(shape[0], 4, kernel_size, size[0] // stride, size[1] // stride)
    assert count == (1 if name == "one strip" else size[0] // stride // 4)

    def of_plain(x, weight):
        return plain(x, weight, whole).sin().sum()

    def of_strips(x, weight):
        return by_strips(x, weight).sin().sum()

    got, want = by_strips(x, weight), plain(x, weight, whole)
    np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5, atol=1e-5)
    gradients = [ms.grad(function, (0, 1))(x, weight) for function in (of_strips, of_plain)]
    for found, expected in zip(*gradients, strict=True):
        assert found.shape == expected.shape
        # The order of the sums differs.
        np.testing.assert_allclose(found.asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-4)
