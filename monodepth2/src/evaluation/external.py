"""Disparities of another program: a .npy that follows the order of a list."""

from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..sfm_utils.eigen import benchmark_places, own_list

_IDS = "eigen_to_benchmark_ids.npy"


def read_disparities(path, split, split_dir, only_benchmark):
    """Disparities to evaluate in place of a network's.

    Args:
        path: .npy of (N, h, w), > 0, in the order of the list of the test set.
        split: eigen or eigen_benchmark.
        split_dir: folder of the lists.
        only_benchmark: the file follows eigen's list; keep what eigen_benchmark evaluates.
    Raises:
        InputError: missing, damaged, no disparities; or no list that tells their order.
    """
    print(f"-> Loading predictions from {path}")
    followed = "eigen" if only_benchmark else split
    if own_list(split_dir, followed) is None:
        place = Path(split_dir, followed, "test_files.txt")
        text = f"ext_disp_to_eval {path} follows the order of a list that is not there: {place}"
        raise InputError(f"{text}; copy the original's splits folder")
    disparities = read_array(path, "disparities (N, h, w)")
    if disparities.ndim != 3 or disparities.dtype.kind != "f" or not disparities.size:
        shape = "x".join(map(str, disparities.shape))
        raise InputError(f"{path} is {shape} {disparities.dtype}; expected (N, h, w) float")
    if not (np.isfinite(disparities).all() and (disparities > 0).all()):
        raise InputError(f"{path} holds values that are no disparities: they must be above 0")
    return (
        disparities[_benchmark_places(split_dir, len(disparities))]
        if only_benchmark
        else disparities
    )


def read_array(path, expected):
    """An array of a .npy, read without running anything that it holds.

    Raises:
        InputError: missing, damaged, or no plain array.
    """
    if not is_file(path):
        raise InputError(f"{path} is missing; give a .npy of {expected}")
    try:
        # Mapped first: a damaged header must not take more memory than the file has bytes.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as err:  # numpy raises many kinds for what is damaged
        raise InputError(f"{path} is damaged or no .npy of {expected}") from err


def _benchmark_places(split_dir, count):
    """Which of `count` maps eigen_benchmark evaluates, by the original's file or by both lists."""
    path = Path(split_dir, "benchmark", _IDS)
    if not is_file(path):
        places = np.array(benchmark_places(split_dir))
    else:
        places = read_array(path, "places in eigen's list")
    if places.ndim != 1 or places.dtype.kind not in "iu" or not places.size:
        raise InputError(f"{path} holds no places in eigen's list; copy the original's file again")
    if places.min() < 0 or places.max() >= count:
        text = f"places {places.min()} to {places.max()} of eigen's list"
        raise InputError(f"{path} wants {text}, but there are {count} predictions of it")
    return places
