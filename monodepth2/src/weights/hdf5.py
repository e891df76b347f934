"""Weights in HDF5 files, as the Paddle port keeps those of ImageNet."""

import h5py
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.torch_files import widen

_MOST_UNPACKED = 8  # times the size of a file: weights hardly compress


def read_h5(path):
    """The entries of an HDF5 file as h5py writes a dict: {name: array}, {name: number}.

    Single numbers whose names have no dot are values such as the height, not parameters.

    Raises:
        InputError: damaged, or it holds anything but arrays of numbers.
    """
    arrays, rest = {}, {}
    try:
        with h5py.File(path, "r") as file:
            left = path.stat().st_size * _MOST_UNPACKED
            for key in file:
                array = _dataset(file, key, left)
                left -= array.nbytes
                if array.ndim or "." in key:
                    arrays[key] = array
                else:
                    rest[key] = array.item()
    except InputError:
        raise
    except Exception as err:  # h5py raises many kinds for a damaged file
        raise InputError(f"{path} is truncated or damaged; use another copy") from err
    return arrays, rest


def _dataset(file, key, most):
    """An array of numbers that lies in the file itself and is no larger than `most` bytes."""
    if not isinstance(file.get(key, getlink=True), h5py.HardLink) or not key.isprintable():
        raise ValueError(f"{key!r} lies elsewhere")
    data = file[key]
    if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
        raise ValueError(f"{key} is no array of this file")
    if data.dtype.kind not in "fiub" or data.nbytes > most:
        raise ValueError(f"{key} is {data.dtype} {data.shape}")
    return widen(np.asarray(data[()]))
