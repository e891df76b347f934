"""Alignment and errors by hand, and what they do not depend on."""

import numpy as np
import pytest

from midas.src.metrics import align, depth_score, order_score

ONES = np.ones((4, 6), bool)


def positive(seed=0, shape=(4, 6)):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(np.float32)


def test_an_affine_prediction_is_aligned_exactly():
    disparity = positive()
    assert align(3 * disparity - 1, disparity, ONES) == pytest.approx((1 / 3, 1 / 3), rel=1e-5)


def test_alignment_sees_the_mask_only():
    disparity, mask = positive(), ONES.copy()
    prediction = 2 * disparity + 1
    mask[0], prediction[0] = False, 1e6
    assert align(prediction, disparity, mask) == pytest.approx((0.5, -0.5), rel=1e-5)


def test_alignment_by_least_squares_and_where_it_is_not_determined():
    x, y = positive(1), positive(2)
    design = np.stack([x.ravel(), np.ones(x.size)], 1)
    expected = np.linalg.lstsq(design, y.ravel(), rcond=None)[0]
    assert align(x, y, ONES) == pytest.approx(tuple(expected), rel=1e-4)
    assert align(np.ones_like(x), y, ONES) == (0, 0)
    assert align(x, y, ~ONES) == (0, 0)


@pytest.mark.parametrize("metric", ["delta", "abs_rel"])
def test_scores_do_not_depend_on_scale_and_shift(metric):
    depth, prediction = 5 * positive(3), positive(4)
    values = [
        depth_score(scale * prediction + shift, depth, ONES, 80, metric).value
        for scale, shift in ((1, 0), (70, -3), (0.01, 900))
    ]
    assert values[0] > 0
    np.testing.assert_allclose(values, values[0], rtol=1e-2)


def test_scores_by_hand():
    """Two pixels fit any two depths; a third between them in disparity does not."""
    depth = np.array([[1, 2, 4]], np.float32)  # disparity 1, 0.5, 0.25
    exact = depth_score(1 / depth, depth, depth > 0, 80, "delta")
    assert (exact.value, exact.valid_pixels) == (0, 3)
    prediction = np.array([[1.0, 0.0, 0.0]], np.float32)
    # Least squares: 1 for the first, the mean 0.375 for both others: depth 2.667, so ratios 1,
    # 1.333, 1.5: two of three are bad; |difference| / depth is 0, 1/3, 1/3.
    mask = depth > 0
    assert depth_score(prediction, depth, mask, 80, "delta").value == pytest.approx(200 / 3)
    assert depth_score(prediction, depth, mask, 80, "abs_rel").value == pytest.approx(2 / 9)
    # A cap of 2 m keeps disparities at or above 0.5: ratios 1, 1, 2.
    assert depth_score(prediction, depth, mask, 2, "delta").value == pytest.approx(100 / 3)


def test_a_ratio_of_exactly_1_25_is_good():
    depth = np.array([[1.25, 1, 1, 1]], np.float32)
    score = depth_score(np.zeros_like(depth), depth, depth > 0, 1, "delta")
    assert score.value == 0  # a constant prediction becomes the cap, 1 m


@pytest.mark.parametrize(
    ("a", "b", "relation", "wrong"),
    [
        (2, 1, ">", 0),
        (2, 1, "<", 1),
        (1, 2, "<", 0),
        (1, 2, ">", 1),
        (1, 1, ">", 1),
        (1, 1, "<", 1),
    ],
)
def test_order(a, b, relation, wrong):
    prediction = np.array([[0, a], [b, 0]], np.float32)
    assert order_score(prediction, (0, 1, 1, 0), relation).value == wrong


def test_what_a_score_tells_beside_its_value():
    """Disparities 1, 1/2 from predictions 3, 2: scale 1/2, shift -1/2."""
    depth, prediction = np.array([[1, 2, 9]], np.float32), np.array([[3, 2, 50]], np.float32)
    score = depth_score(prediction, depth, np.array([[True, True, False]]), 80, "abs_rel")
    assert (score.valid_pixels, score.value) == (2, pytest.approx(0, abs=1e-6))
    assert (score.scale, score.shift) == (pytest.approx(0.5), pytest.approx(-0.5))


def test_without_a_valid_pixel_there_is_no_score():
    score = depth_score(positive(), positive(), ~ONES, 80, "delta")
    assert np.isnan(score.value)
    assert (score.valid_pixels, score.scale, score.shift) == (0, 0, 0)
    assert order_score(positive(), (0, 0, 1, 1), ">").valid_pixels == 2
