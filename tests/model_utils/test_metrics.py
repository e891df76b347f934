"""The seven metrics against values computed by hand."""

import math

import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.metrics import NAMES, depth_metrics


def test_hand_computed():
    got = depth_metrics([2.0, 4.0], [1.0, 4.0])
    assert got["abs_rel"] == 0.5
    assert got["sq_rel"] == 0.5
    assert got["rmse"] == pytest.approx(math.sqrt(0.5))
    assert got["rmse_log"] == pytest.approx(math.log(2) / math.sqrt(2))
    assert (got["a1"], got["a2"], got["a3"]) == (0.5, 0.5, 0.5)
    assert tuple(got) == NAMES


def test_relative_errors_are_relative_to_the_target():
    """Errors of 1 and -2 at 2 m and 5 m: 1/2 and 2/5; their squares 1/2 and 4/5."""
    got = depth_metrics([3.0, 3.0], [2.0, 5.0])
    assert got["abs_rel"] == pytest.approx(0.45)
    assert got["sq_rel"] == pytest.approx(0.65)
    assert got["rmse"] == pytest.approx(math.sqrt(2.5))
    assert (got["a1"], got["a2"], got["a3"]) == (0, 0.5, 1)


def test_perfect_prediction():
    got = depth_metrics(np.arange(1, 5), np.arange(1, 5))
    assert [got[name] for name in NAMES] == [0, 0, 0, 0, 1, 1, 1]


def test_accuracy_is_symmetric_and_the_threshold_is_strict_unless_asked():
    assert depth_metrics([1.25], [1.0])["a1"] == depth_metrics([1.0], [1.25])["a1"] == 0
    assert depth_metrics([1.25], [1.0], inclusive=True)["a1"] == 1


def test_relative_metrics_ignore_the_unit():
    rng = np.random.default_rng(0)
    prediction, target = rng.uniform(1, 9, (2, 50))
    metres, feet = depth_metrics(prediction, target), depth_metrics(prediction * 3, target * 3)
    for name in ("abs_rel", "rmse_log", "a1", "a2", "a3"):
        assert metres[name] == pytest.approx(feet[name])
    assert feet["rmse"] == pytest.approx(3 * metres["rmse"])


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((0,), (0,))])
def test_nothing_to_compare_is_refused(shapes):
    with pytest.raises(InputError, match="no common pixels"):
        depth_metrics(np.ones(shapes[0]), np.ones(shapes[1]))
