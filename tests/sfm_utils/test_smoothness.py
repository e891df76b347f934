"""Smoothness by hand, its invariants and its gradient."""

import mindspore as ms
import numpy as np

from monodepth2.src.sfm_utils.smoothness import normalized, smoothness


def tensor(values):
    return ms.Tensor(np.asarray(values, np.float32))


def test_smoothness_by_hand():
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


def test_the_gradient_goes_to_the_values_only():
    rng = np.random.default_rng(1)
    values, image = rng.random((1, 2, 3, 4)), tensor(rng.random((1, 3, 3, 4)))
    of_values, of_image = ms.grad(smoothness, (0, 1))(tensor(values), image)
    assert not of_image.asnumpy().any()
    step = np.zeros_like(values)
    step[0, 1, 2, 1] = 1e-3
    change = float(smoothness(tensor(values + step), image))
    change -= float(smoothness(tensor(values - step), image))
    np.testing.assert_allclose(of_values.asnumpy()[0, 1, 2, 1], change / 2e-3, rtol=0.01)
