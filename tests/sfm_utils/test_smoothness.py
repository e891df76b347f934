"""Smoothness by hand, its invariants and its gradient."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.sfm_utils import planes_cpu
from monodepth2.src.sfm_utils.smoothness import Smoothness, normalized


@pytest.fixture(params=[False, True], ids=["on CPU", "plain"])
def smoothness(request):
    cell = Smoothness()
    cell.cpu_form = not request.param
    return cell


def tensor(values):
    return ms.Tensor(np.asarray(values, np.float32))


def test_smoothness_by_hand(smoothness):
    values = tensor([[[[0, 1], [3, 3]]]])
    flat = tensor(np.zeros((1, 3, 2, 2)))
    # Horizontal |1|, |0|; vertical |3|, |2|.
    np.testing.assert_allclose(float(smoothness(values, flat)), 0.5 + 2.5)
    edge = np.zeros((1, 3, 2, 2))
    edge[:, 0, :, 1] = 3  # a mean difference of 1 across, none down
    np.testing.assert_allclose(
        float(smoothness(values, tensor(edge))), 0.5 * np.exp(-1) + 2.5, rtol=1e-6
    )


def test_normalized_disparity_does_not_depend_on_scale():
    values = np.random.default_rng(0).uniform(0.1, 1, (2, 1, 3, 4))
    got = normalized(tensor(values * [[[[7]]], [[[0.5]]]]), guard=0).asnumpy()
    np.testing.assert_allclose(got, values / values.mean((2, 3), keepdims=True), rtol=1e-5)
    zero = tensor(np.zeros((1, 1, 2, 2)))
    assert np.isfinite(normalized(zero).asnumpy()).all()


def test_the_gradient_goes_to_the_values_only(smoothness):
    rng = np.random.default_rng(1)
    values, image = rng.random((1, 2, 3, 4)), tensor(rng.random((1, 3, 3, 4)))
    of_values, of_image = ms.grad(smoothness, (0, 1))(tensor(values), image)
    assert not of_image.asnumpy().any()
    step = np.zeros_like(values)
    step[0, 1, 2, 1] = 1e-3
    change = float(smoothness(tensor(values + step), image))
    change -= float(smoothness(tensor(values - step), image))
    np.testing.assert_allclose(of_values.asnumpy()[0, 1, 2, 1], change / 2e-3, rtol=0.01)


@pytest.mark.parametrize("block", [1, 100, 10**6])
@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (5, 1, 6, 7), (4, 2, 9, 5)])
def test_both_forms_and_their_gradients_are_equal(shape, block, monkeypatch):
    monkeypatch.setattr(planes_cpu, "_BLOCK", block)
    rng, results = np.random.default_rng(2), []
    values, image = tensor(rng.normal(size=shape)), tensor(rng.random((shape[0], 3, *shape[2:])))
    for is_fast in (False, True):
        cell = Smoothness()
        cell.cpu_form = is_fast
        # A factor, as the loss's weight is: the gradient is that of the product.
        value = ms.value_and_grad(lambda values, cell=cell: 3 * cell(values, image))
        results.append([array.asnumpy() for array in value(values)])
    for plain, fast in zip(*results):
        assert plain.shape == fast.shape and np.abs(plain).max() > 0.1 / np.prod(shape)
        np.testing.assert_allclose(fast, plain, atol=4e-6 * np.abs(plain).max())


def test_equal_neighbours_have_no_gradient(smoothness):
    values, image = tensor(np.ones((2, 1, 4, 5))), tensor(np.zeros((2, 3, 4, 5)))
    assert float(smoothness(values, image)) == 0
    assert not ms.grad(smoothness)(values, image).asnumpy().any()


def test_a_value_that_is_no_number_is_seen(smoothness):
    values = np.ones((2, 1, 4, 5))
    values[1, 0, 2, 3] = np.nan
    assert np.isnan(float(smoothness(tensor(values), tensor(np.zeros((2, 3, 4, 5))))))
