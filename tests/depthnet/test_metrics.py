"""DepthNet's metrics: masks, the two rules for rmse_log, averages, and their printed form."""

import math

import numpy as np
import pytest

from depthnet.src import metrics


def test_a_factor_of_two_everywhere():
    target = np.full((3, 4), 2.0)
    got = metrics.image_metrics(np.log(target * 2), target)
    assert got["abs_relative_loss"] == pytest.approx(1)
    assert got["rmse_linear_loss"] == pytest.approx(2)
    assert got["rmse_log_loss"] == pytest.approx(math.log(2))
    assert got["delta3_loss"] == 0


def test_only_the_post_processing_clips_the_log():
    target = np.full((3, 4), 10.0)
    raw = metrics.image_metrics(np.full((3, 4), 5.0), target)
    clipped = metrics.image_metrics(np.full((3, 4), 5.0), target, clip_log=True)
    assert raw["rmse_log_loss"] == pytest.approx(5 - math.log(10))
    assert clipped["rmse_log_loss"] == 0
    assert raw["abs_relative_loss"] == clipped["abs_relative_loss"] == 0


def test_missing_depth_is_a_tenth_of_a_metre_unless_masked():
    target = np.array([[0.0, 2.0]])
    prediction = np.log(np.array([[1.0, 2.0]]))
    assert metrics.image_metrics(prediction, target)["abs_relative_loss"] == pytest.approx(4.5)
    assert metrics.image_metrics(prediction, target, mask_invalid=True)["abs_relative_loss"] == 0
    assert metrics.image_metrics(prediction, np.zeros((1, 2)), mask_invalid=True) is None


def test_images_are_averaged_and_printed_with_the_original_names():
    rows = [dict.fromkeys(metrics.NAMES, value) for value in (1.0, 3.0)]
    average = metrics.average(rows)
    assert set(average.values()) == {2.0}
    assert metrics.format_metrics(average).startswith("delta1_loss:  2.000000 delta2_loss:  2.0")


def test_masked_metrics_count_every_known_pixel_however_near():
    """Pixels at 0.5 m and 1 m count as those beyond: each is predicted twice too far."""
    target = np.array([0.5, 1.0, 2.0, 0.0])
    prediction = np.log(np.array([1.0, 2.0, 4.0, 9.0]))
    got = metrics.image_metrics(prediction, target, mask_invalid=True)
    assert got["abs_relative_loss"] == pytest.approx(1)
    assert got["sqr_relative_loss"] == pytest.approx((0.5 + 1 + 2) / 3)
    assert got["rmse_linear_loss"] == pytest.approx(math.sqrt((0.25 + 1 + 4) / 3))
    assert got["rmse_log_loss"] == pytest.approx(math.log(2))


def test_a_ratio_equal_to_the_threshold_is_accurate():
    """1 m for 1.25 m and 1 m for 1.5625 m, as the original counts; 1 m for 2 m is in no delta."""
    got = metrics.image_metrics(np.zeros(4), np.array([1.0, 1.25, 1.25**2, 2.0]))
    deltas = [got[f"delta{k}_loss"] for k in (1, 2, 3)]
    assert deltas == [0.5, 0.75, 0.75]


def test_the_clipping_range_is_a_tenth_to_ten_metres():
    target = np.array([0.01, 30.0])
    got = metrics.image_metrics(np.log(target), target, clip_log=True)
    assert got["rmse_linear_loss"] == got["rmse_log_loss"] == 0
    got = metrics.image_metrics(np.log(np.array([0.2, 5.0])), target)
    assert got["abs_relative_loss"] == pytest.approx((1 + 0.5) / 2)
    assert got["rmse_log_loss"] == pytest.approx(math.log(2))
