"""The training loss: by hand, invariants, masks, gradient, and float16 predictions."""

import math

import mindspore as ms
import numpy as np
import pytest

from depthnet.src.losses import DepthLoss

RNG = np.random.default_rng(0)


def loss(prediction, target, **options):
    arrays = [
        ms.Tensor(np.float32(a).reshape(-1, 1, *np.shape(a)[-2:])) for a in (prediction, target)
    ]
    return float(DepthLoss(**options)(*arrays).asnumpy())


def test_by_hand():
    """Residuals 1 and 0 side by side: mean |d| 1/2, edge 1/2, mean d^2 1/2, minus (1/2)^2 / 2."""
    assert loss([[0.0, 1.0]], [[math.e, math.e]]) == pytest.approx(
        0.5 + 0.5 + 0.5 - 0.125, abs=1e-6
    )


# Targets of 1 m have ln 0, so that the residual is minus the prediction.
@pytest.mark.parametrize(
    ("residual", "expected"),
    [
        # 6 pixels: sum |d| 6, edges 5 across and 2 down, sum d^2 14, mean 1
        ([[0.0, 1.0, 3.0], [0.0, 0.0, 2.0]], 6 / 6 + 7 / 6 + 14 / 6 - 1 / 2),
        # one row, one column: no edges the other way; mean 4/3
        ([[0.0, 1.0, 3.0]], 4 / 3 + 3 / 3 + 10 / 3 - 8 / 9),
        ([[0.0], [1.0], [3.0]], 4 / 3 + 3 / 3 + 10 / 3 - 8 / 9),
        # a single pixel
        ([[-3.0]], 3 + 9 - 9 / 2),
    ],
)
def test_residuals_by_hand(residual, expected):
    residual = np.array(residual)
    for mask_invalid in (False, True):
        value = loss(-residual, np.ones_like(residual), mask_invalid=mask_invalid)
        assert value == pytest.approx(expected, rel=1e-5)


def test_unknown_pixels_by_hand():
    """Of 2x2 pixels at 1 m the last is unknown: residuals 0, -1, -2; one edge across, one down."""
    prediction, target = [[0.0, 1.0], [2.0, 7.0]], [[1.0, 1.0], [1.0, 0.0]]
    expected = 3 / 3 + 3 / 3 + 5 / 3 - 1 / 2
    assert loss(prediction, target, mask_invalid=True) == pytest.approx(expected, rel=1e-5)


def test_the_only_known_pixel_is_not_diluted():
    prediction, target = [[3.0, 5.0], [5.0, 5.0]], [[1.0, 0.0], [0.0, 0.0]]
    expected = 3 + 9 - 9 / 2
    assert loss(prediction, target, mask_invalid=True) == pytest.approx(expected, rel=1e-5)


def test_a_perfect_prediction_costs_nothing():
    target = RNG.uniform(0.5, 9, (2, 1, 7, 9))
    assert loss(np.log(target), target) == pytest.approx(0, abs=1e-5)


def test_a_global_scale_costs_no_edges():
    target = RNG.uniform(1, 4, (1, 1, 7, 9))
    offset = 0.3
    expected = offset + 0.5 * offset**2
    assert loss(np.log(target) + offset, target) == pytest.approx(expected, rel=1e-4)


def test_the_batch_is_averaged():
    prediction, target = RNG.normal(size=(2, 1, 5, 6)), RNG.uniform(0.2, 9, (2, 1, 5, 6))
    each = [loss(prediction[i : i + 1], target[i : i + 1]) for i in range(2)]
    assert loss(prediction, target) == pytest.approx(np.mean(each), rel=1e-5)


def test_depth_is_clipped_and_missing_depth_counts_as_a_tenth_of_a_metre():
    prediction = RNG.normal(size=(1, 1, 4, 4))
    assert loss(prediction, np.zeros((4, 4))) == loss(prediction, np.full((4, 4), 0.1))
    assert loss(prediction, np.full((4, 4), 99)) == loss(prediction, np.full((4, 4), 10))


def test_masked_pixels_change_nothing():
    prediction, target = RNG.normal(size=(1, 1, 6, 6)), RNG.uniform(0.5, 9, (1, 1, 6, 6))
    target[..., 2:4] = 0
    changed = prediction.copy()
    changed[..., 2:4] += 5
    value = loss(prediction, target, mask_invalid=True)
    assert loss(changed, target, mask_invalid=True) == pytest.approx(value, rel=1e-6)
    assert loss(changed, target) != pytest.approx(loss(prediction, target), rel=1e-2)


def test_masking_a_complete_target_changes_nothing():
    prediction, target = RNG.normal(size=(2, 1, 6, 6)), RNG.uniform(0.5, 9, (2, 1, 6, 6))
    assert loss(prediction, target, mask_invalid=True) == pytest.approx(loss(prediction, target))


def test_nothing_valid_costs_nothing_and_is_finite():
    assert loss(RNG.normal(size=(1, 1, 4, 4)), np.zeros((4, 4)), mask_invalid=True) == 0


@pytest.mark.parametrize("mask", [False, True])
def test_gradient_equals_finite_differences(mask):
    prediction = np.float32(RNG.normal(size=(2, 1, 4, 5)))
    target = np.float32(RNG.uniform(0.5, 9, (2, 1, 4, 5)))
    target[0, 0, 1] = 0
    cell = DepthLoss(mask)
    gradient = ms.grad(cell)(ms.Tensor(prediction), ms.Tensor(target)).asnumpy()
    step = 1e-2
    for index in [(0, 0, 0, 0), (0, 0, 1, 2), (1, 0, 3, 4), (1, 0, 2, 1)]:
        values = []
        for sign in (1, -1):
            moved = prediction.copy()
            moved[index] += sign * step
            values.append(loss(moved, target, mask_invalid=mask))
        slope = (values[0] - values[1]) / (2 * step)
        assert gradient[index] == pytest.approx(slope, abs=2e-3)


def test_float16_predictions_are_summed_in_float32():
    target = ms.Tensor(np.full((1, 1, 55, 74), 9.0, np.float32))
    half = ms.Tensor(np.full((1, 1, 55, 74), -3.0, np.float16))
    assert np.isfinite(float(DepthLoss()(half, target).asnumpy()))
