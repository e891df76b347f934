"""Files of weights of every kind, read without running anything that they hold."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import read_record
from ..model_utils.torch_files import widen
from ..model_utils.weights import read_entries
from ..numpy_pickles import load_arrays
from .names import parameter_name
from .torch_tar import is_tar, read_tar

ENDINGS = (".ckpt", ".pth", ".pt", ".pdparams", ".h5")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NAMES = "StructuredToParameterName@@"  # an entry of Paddle's that holds its own names


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
    entries, rest = _reader(path)(path)
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


def _reader(path):
    """What reads a file: function of its path -> ({name: array}, {name: value})."""
    if not path.is_file():
        return read_entries  # which says so
    if path.suffix == ".pdparams":
        return read_paddle
    with path.open("rb") as file:
        if file.read(len(_HDF5)) == _HDF5:
            from .hdf5 import read_h5  # h5py is not there in the export's old environment

            return read_h5
    return read_tar if is_tar(path) else read_entries


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
