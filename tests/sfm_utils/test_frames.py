"""Doubled maps and frames have the values and the gradients that they should, in every form."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.sfm_utils import frames
from monodepth2.src.sfm_utils.frames import Double, Frame

RNG = np.random.default_rng(0)
# Height and width: pixels that are repeated on both sides, beyond each other, or side by side.
SIZES = [(2, 3), (3, 2), (4, 5), (5, 4), (8, 6)]


def random(*shape):
    return ms.Tensor(RNG.normal(size=shape).astype(np.float32))


@pytest.mark.parametrize("cpu_form", [True, False])
def test_doubling_by_hand(cpu_form):
    image, cell = ms.Tensor(np.array([[[[1, 2], [3, 4]]]], np.float32)), Double()
    cell.cpu_form = cpu_form
    twice = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(cell(image).asnumpy()[0, 0], twice)


@pytest.mark.parametrize("cpu_form", [True, False])
def test_doubling_adds_up_the_gradients_of_four_pixels(cpu_form):
    x, weights, cell = random(2, 3, 4, 5), random(2, 3, 8, 10), Double()
    cell.cpu_form = cpu_form
    np.testing.assert_array_equal(cell(x).asnumpy(), x.asnumpy().repeat(2, 2).repeat(2, 3))
    gradient = ms.grad(lambda x: (cell(x) * weights).sum())(x).asnumpy()
    expected = weights.asnumpy().reshape(2, 3, 4, 2, 5, 2).sum((3, 5))
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_frames_by_hand():
    image = ms.Tensor(np.array([[[[1, 2], [3, 4]]]], np.float32))
    mirrored = [[4, 3, 4, 3], [2, 1, 2, 1], [4, 3, 4, 3], [2, 1, 2, 1]]
    np.testing.assert_array_equal(Frame(1, True)(image).asnumpy()[0, 0], mirrored)
    repeated = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(Frame(0, True)(image).asnumpy()[0, 0], repeated)
    zero = [[0, 0, 0, 0, 0], [0, 1, 2, 0, 0], [0, 3, 4, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(Frame(1, False, 3)(image).asnumpy()[0, 0], zero)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize(("inner", "is_reflect"), [(1, True), (0, True), (1, False)])
def test_the_gradient_of_large_maps_is_mindspores(inner, is_reflect, multiple, size, monkeypatch):
    monkeypatch.setattr(frames, "_LARGE", 100)
    x, cell = random(9, 3, *size), Frame(inner, is_reflect, multiple)
    height, width = (-(-length // multiple) * multiple + 2 for length in size)
    weights = random(9, 3, height, width)
    found = []
    for form in (cell, lambda x: frames.framed(x, inner, is_reflect, multiple)):
        value = ms.value_and_grad(
            lambda x, form=form: ((form(x) * weights).sum(), form(x)), 0, None, True
        )
        (_, framed), gradient = value(x)
        found.append((framed.asnumpy(), gradient.asnumpy()))
    (framed, gradient), (expected, expected_gradient) = found
    np.testing.assert_array_equal(framed, expected)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_the_gradient_of_a_mirrored_frame_by_numpy(monkeypatch):
    """numpy.pad knows the frame; its gradient is found one pixel after the other."""
    monkeypatch.setattr(frames, "_LARGE", 1)
    x, weights = random(1, 1, 4, 5), random(1, 1, 6, 7)
    gradient = ms.grad(lambda x: (Frame(1, True)(x) * weights).sum())(x).asnumpy()
    for row, column in np.ndindex(4, 5):
        one = np.zeros((4, 5))
        one[row, column] = 1
        expected = (np.pad(one, 1, "reflect") * weights.asnumpy()[0, 0]).sum()
        assert abs(gradient[0, 0, row, column] - expected) < 1e-6


def test_only_large_maps_have_a_gradient_of_their_own():
    assert frames.is_large((2, 64, 64, 64)) and not frames.is_large((2, 64, 64, 63))
