"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Predictions that look at no image: the mean of each place, and the best constant. A network that is
no better than these has learned nothing from what it sees.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from .errors import InputError

MEAN_MAP, CONSTANT = "mean map", "constant"
# What a page says of rivals that were made from the truth they are scored against.
KNOWS_THE_ANSWERS = (
    "Mean map and best constant look at no image, but are computed from the very truth that "
    "is evaluated here: they know the answers, on average."
)
_GRID = 24, 80  # cells: coarse enough for each to have seen some of sparse points
_LIMITS, _BINS = np.log((1e-4, 1e5)), 60000  # of logarithms: the bins are 0.035 % wide


class MeanMap:
    """The mean of maps that may differ in size and have gaps, in cells of a grid.

    Args:
        grid: (rows, columns) of the cells.
    """

    def __init__(self, grid: tuple[int, int] = _GRID):
        self.grid, self._count = grid, np.zeros(grid)
        self._total: np.ndarray | float = 0.0

    def add(self, values: np.ndarray, seen: np.ndarray) -> None:
        """Take a map into the mean.

        Args:
            values: (H, W) or (H, W, C).
            seen: (H, W) bool, where there is a value.
        """
        places = np.nonzero(seen)
        rows, columns = (
            place * cells // size for place, cells, size in zip(places, self.grid, seen.shape)
        )
        total = np.zeros(self.grid + values.shape[2:])
        np.add.at(total, (rows, columns), values[places])
        np.add.at(self._count, (rows, columns), 1)
        self._total = self._total + total

    def mean(self) -> np.ndarray:
        """(rows, columns) or (rows, columns, C) float32; empty cells take the nearest one's.

        Raises:
            InputError: no map had a value.
        """
        if not self._count.any():
            raise InputError("no map has a value: there is nothing to average")
        count = np.maximum(self._count, 1)
        mean = self._total / count.reshape(count.shape + (1,) * (np.ndim(self._total) - 2))
        nearest = distance_transform_edt(
            self._count == 0, return_distances=False, return_indices=True
        )
        return np.float32(mean[tuple(nearest)])

    def resized(self, height: int, width: int) -> np.ndarray:
        """`mean` at a size, bilinear."""
        return cv2.resize(self.mean(), (width, height), interpolation=cv2.INTER_LINEAR)


class BestConstant:
    """The constant of least mean |constant - value| / value, which is a weighted median."""

    def __init__(self):
        self._weights = np.zeros(_BINS)

    def add(self, values: np.ndarray) -> None:
        """Take values, 1e-4 to 1e5, of any shape into account."""
        values = np.ravel(values).astype(np.float64)
        logs = np.clip(np.log(values), *_LIMITS)
        self._weights += np.histogram(logs, _BINS, _LIMITS, weights=1 / values)[0]

    def best(self) -> float:
        """The constant, to 0.02 %.

        Raises:
            InputError: there was no value.
        """
        sums = np.cumsum(self._weights)
        if not sums[-1]:
            raise InputError("no map has a value: there is no constant to choose")
        place = np.searchsorted(sums, sums[-1] / 2) + 0.5
        return float(np.exp(_LIMITS[0] + (_LIMITS[1] - _LIMITS[0]) * place / _BINS))
