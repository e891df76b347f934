"""Files of weights of every kind, read without running anything that they hold."""

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import read_record
from ..model_utils.torch_files import widen
from ..model_utils.weights import read_entries
from ..numpy_pickles import load_arrays
from .names import parameter_name

ENDINGS = (".ckpt", ".pth", ".pt", ".pdparams", ".h5")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NAMES = "StructuredToParameterName@@"  # an entry of Paddle's that holds its own names
_MOST_UNPACKED = 8  # times the size of an HDF5 file: weights hardly compress


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds.

    Attributes:
        path: of the file.
        arrays: {parameter: array}, in the file's order.
        rest: {name: number or text} beside them; of a .ckpt its record.
        left_over: names in the file that networks have no use for.
    """

    path: Path
    arrays: dict = field(repr=False)
    rest: dict
    left_over: list


def read_file(path):
    """The weights of a .ckpt, .pth, .pt, .pdparams, .h5 or .npz file under our names.

    Raises:
        InputError: no such file, a damaged one, or one that holds anything else.
    """
    path = Path(path)
    if path.suffix == ".pdparams" and path.is_file():
        entries, rest = read_paddle(path)
    elif path.is_file() and _is_hdf5(path):
        entries, rest = read_h5(path)
    else:
        entries, rest = read_entries(path)
        rest = read_record(path) if path.suffix == ".ckpt" else rest
    arrays, left_over = {}, []
    for key, array in entries.items():
        name = parameter_name(key)
        if name in arrays:
            raise InputError(f"{path} holds {name} twice; use another copy")
        if name is None:
            left_over.append(key)
        else:
            arrays[name] = array
    return Weights(path, arrays, rest, left_over)


def read_paddle(path):
    """The entries of a .pdparams file: {name: array}, {name: number}.

    A dict of parameters alone maps to arrays; beside other values Paddle writes each parameter as
    a pair of its own name and the array.

    Raises:
        InputError: damaged, or it holds anything but arrays, numbers and texts.
    """
    with path.open("rb") as file:
        found = load_arrays(file, path)
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no dict of parameters; give what paddle.save wrote of one")
    arrays, rest = {}, {}
    for key, value in found.items():
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]
        if isinstance(value, np.ndarray):
            arrays[str(key)] = widen(value)
        elif isinstance(value, (bool, int, float)):
            rest[str(key)] = value
        elif key != _NAMES:
            raise InputError(f"{path} is damaged: {str(key)[:80]!r} is no parameter")
    return arrays, rest


def _is_hdf5(path):
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


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
