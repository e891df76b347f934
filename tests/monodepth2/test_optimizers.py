"""Adam's update and its rate, by hand."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.optimizers import Adam, StepDecay


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


def adam_by_hand(gradients, rate):
    """Weights after each step from 0, Kingma and Ba's algorithm 1 in float64."""
    moment1 = moment2 = weight = np.zeros_like(gradients[0])
    weights = []
    for step, gradient in enumerate(gradients, 1):
        moment1 = 0.9 * moment1 + 0.1 * gradient
        moment2 = 0.999 * moment2 + 0.001 * gradient**2
        corrected = moment1 / (1 - 0.9**step), np.sqrt(moment2 / (1 - 0.999**step))
        weight = weight - rate * corrected[0] / (corrected[1] + 1e-8)
        weights.append(weight)
    return weights


def test_small_gradients_move_their_weights_as_in_pytorch():
    gradients = [np.array([1e-8, 1e-7, -1e-6, 0.5]) * scale for scale in (1, 2, -1)]
    parameter = ms.Parameter(np.zeros(4, np.float32), name="weight")
    adam = Adam([parameter], 0.1)
    for gradient, expected in zip(gradients, adam_by_hand(gradients, 0.1)):
        adam((ms.Tensor(gradient, ms.float32),))
        np.testing.assert_allclose(parameter.asnumpy(), expected, rtol=1e-3, atol=1e-6)


def test_the_rate_is_a_tenth_from_epoch_15_on():
    steps_per_epoch = 4
    rate = StepDecay(1e-4, 15 * steps_per_epoch, 35 * steps_per_epoch)
    values = [float(rate(ms.Tensor(step, ms.int32)).asnumpy()) for step in (0, 59, 60, 119, 120)]
    assert values == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6])
    assert float(rate(ms.Tensor(10_000, ms.int32)).asnumpy()) == pytest.approx(1e-6)


def test_a_short_training_keeps_its_rate():
    rate = StepDecay(3e-4, 100, 7)
    assert float(rate(ms.Tensor(6, ms.int32)).asnumpy()) == pytest.approx(3e-4)
