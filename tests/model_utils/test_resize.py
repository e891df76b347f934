"""Resizing by two matrix products: by hand, joined with a convolution, and both forms of each."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from midas.src.model_utils.cpu_forms import use_plain_forms
from midas.src.model_utils.resize import (
    DoubleSize,
    DoubleSizeConv,
    _piece_matrices,
    interpolation_matrix,
    shifted_matrices,
)

RNG = np.random.default_rng(0)


def random(*shape):
    return ms.Tensor(RNG.normal(size=shape).astype(np.float32))


def test_resizing_by_hand():
    """Two pixels 0 and 1 to four, by the three conventions; 3 to 5 keeps the ends."""
    line = np.array([0.0, 1.0])
    for mode, expected in (
        ("align_corners", [0, 1 / 3, 2 / 3, 1]),
        ("half_pixel", [0, 0.25, 0.75, 1]),
        ("legacy", [0, 0.5, 1, 1]),
    ):
        np.testing.assert_allclose(interpolation_matrix(2, 4, mode) @ line, expected, atol=1e-7)
    middle = interpolation_matrix(3, 5, "align_corners") @ np.array([0.0, 2.0, 8.0])
    np.testing.assert_allclose(middle, [0, 1, 2, 5, 8], atol=1e-6)
    assert interpolation_matrix(3, 2, "align_corners").tolist() == [[1, 0, 0], [0, 0, 1]]
    assert interpolation_matrix(3, 1, "align_corners").tolist() == [[1, 0, 0]]
    assert interpolation_matrix(1, 2, "half_pixel").tolist() == [[1], [1]]
    with pytest.raises(ValueError, match="resize mode 'cubic'"):
        interpolation_matrix(2, 4, "cubic")


def test_shifted_lines_by_hand():
    """Three pixels to three: what a convolution's left, middle and right tap see."""
    left, middle, right = shifted_matrices(3, 3, "legacy") @ np.array([1.0, 2.0, 3.0])
    assert (left.tolist(), middle.tolist(), right.tolist()) == ([0, 1, 2], [1, 2, 3], [2, 3, 0])


@pytest.mark.parametrize("make", [DoubleSize, DoubleSizeConv])
def test_plain_forms_compute_the_same(make):
    options = (6, 5, "half_pixel", "normal", "normal") if make is DoubleSizeConv else ("legacy",)
    cell, x = make(*options), random(2, 6, 7, 4)
    fast = cell(x).asnumpy()
    use_plain_forms(cell)
    cell.compile_cache.clear()
    plain = cell(x).asnumpy()
    assert plain.shape == (2, cell.shape[0] if make is DoubleSizeConv else 6, 14, 8)
    np.testing.assert_allclose(plain, fast, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["align_corners", "half_pixel", "legacy"])
def test_resizing_joined_with_a_convolution(mode):
    """Value and gradients equal those of the two steps."""
    joined = DoubleSizeConv(6, 5, mode, "normal", "normal")
    double = DoubleSize(mode)
    x, weight, bias = random(2, 6, 7, 4), random(5, 6, 3, 3), random(5)
    joined.weight.set_data(weight)
    joined.bias.set_data(bias)
    conv = ops.Conv2D(5, 3, pad_mode="pad", pad=1)

    def steps(x, weight, bias):
        return ops.bias_add(conv(double(x), weight), bias)

    np.testing.assert_allclose(
        joined(x).asnumpy(), steps(x, weight, bias).asnumpy(), rtol=1e-4, atol=1e-5
    )
    target = random(2, 5, 14, 8)

    def loss_joined(x):
        return (joined(x) * target).sum()

    def loss_steps(x, weight, bias):
        return (steps(x, weight, bias) * target).sum()

    got_x, got = ms.grad(loss_joined, 0, weights=[joined.weight, joined.bias])(x)
    expected = ms.grad(loss_steps, (0, 1, 2))(x, weight, bias)
    for a, b in zip((got_x, *got), expected):
        np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["align_corners", "half_pixel"])
@pytest.mark.parametrize("width", [47, 48, 51])
def test_halves_of_the_columns_are_the_whole(mode, width):
    """Inference cuts wide maps, training does not."""
    cell, x = DoubleSizeConv(3, 2, mode, "normal", "normal"), random(2, 3, 5, width)
    cell.bias.set_data(random(2))
    whole, halves = (cell.set_train(is_train)(x).asnumpy() for is_train in (True, False))
    assert whole.shape == (2, 2, 10, 2 * width)
    np.testing.assert_allclose(halves, whole, rtol=1e-5, atol=1e-6)


def test_what_a_piece_needs():
    """The second quarter of 96 pixels needs a quarter of the 48, and one or two beside it."""
    first, end, matrices = _piece_matrices(48, "half_pixel", 4, 1)
    assert (first, end) == (11, 25)
    line = np.random.default_rng(0).random(48).astype(np.float32)
    for matrix, whole in zip(matrices, shifted_matrices(48, 96, "half_pixel")):
        np.testing.assert_allclose(line[11:25] @ matrix.asnumpy(), (whole @ line)[24:48], rtol=1e-6)
