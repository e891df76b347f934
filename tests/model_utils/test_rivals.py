"""Predictions that look at no image."""

import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.rivals import BestConstant, MeanMap


def test_the_mean_map_holds_the_mean_of_each_cell_or_of_the_nearest_one():
    mean = MeanMap((2, 2))
    first = np.array([[1, 3, 9, 9], [5, 7, 9, 9]], float).repeat(2, 0)  # 4x4, cells of 2x2
    mean.add(first, np.ones((4, 4), bool) & (np.arange(4)[:, None] < 2))
    mean.add(np.full((2, 2), 20.0), np.array([[True, False], [False, False]]))
    found = mean.mean()
    assert found.dtype == np.float32
    # The first cell: 1, 3, 1, 3 and 20; the lower cells have seen nothing.
    np.testing.assert_allclose(found, [[28 / 5, 9], [28 / 5, 9]])


def test_maps_of_several_channels_and_other_sizes():
    mean = MeanMap((1, 1))
    mean.add(np.full((3, 5, 2), (1.0, -4.0)), np.ones((3, 5), bool))
    mean.add(np.full((1, 5, 2), (5.0, 0.0)), np.ones((1, 5), bool))
    np.testing.assert_allclose(mean.mean(), [[[2, -3]]])
    np.testing.assert_allclose(mean.resized(2, 3), np.full((2, 3, 2), (2, -3)))


def test_the_constant_has_the_least_mean_relative_error():
    values = np.random.default_rng(0).lognormal(2, 0.8, (7, 300))
    constant = BestConstant()
    for row in values:
        constant.add(row)

    def abs_rel(metres):
        return np.mean(np.abs(metres - values) / values)

    found = constant.best()
    assert abs_rel(found) <= min(map(abs_rel, np.linspace(0.1, 30, 2000))) + 1e-6
    assert found < np.median(values)  # near values weigh more


def test_a_constant_of_equal_values_is_that_value():
    constant = BestConstant()
    constant.add(np.full(5, 3.3, np.float32))
    assert constant.best() == pytest.approx(3.3, rel=2e-4)


@pytest.mark.parametrize(
    ("make", "of"), [(MeanMap, MeanMap.mean), (BestConstant, BestConstant.best)]
)
def test_nothing_seen_is_told(make, of):
    with pytest.raises(InputError, match="no map has a value"):
        of(make())
