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
