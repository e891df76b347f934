"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Weights of other programs: read without running anything that a file holds, renamed, saved.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import mindspore as ms
import numpy as np

from .checkpoint import read_parameters, save_parameters
from .errors import InputError
from .torch_files import read_legacy, read_zip, widen

_MOST_UNPACKED = 8  # times the size of an .npz file: weights hardly compress


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .ckpt, .npz or PyTorch file; the kind is told by its content.

    Nothing in the file runs, and the memory that is taken is about the file's size.

    Args:
        path: of the file; a MindSpore checkpoint must end in .ckpt, else the suffix is free.
    Returns:
        {name: array} in the file's order; float16 and bfloat16 become float32, entries that are no
        numbers are left out. Of a PyTorch training state it is the part under "model",
        "state_dict" or "model_state_dict"; the "module." of DataParallel is removed.
    Raises:
        InputError: no such file, a damaged one, one of another kind, or objects beside tensors.
    """
    return read_entries(path)[0]


def read_entries(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """As `read_weights`, and what a file of PyTorch holds beside its tensors.

    Returns:
        {name: array}, {name: bool, int, float or str} (empty for another kind of file).
    """
    path, rest = Path(path), {}
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the file that holds the weights")
    with path.open("rb") as file:
        head = file.read(2)
    try:
        if head == b"PK":
            arrays, rest = _read_zip(path)
        elif head[:1] == pickle.PROTO:
            arrays, rest = read_legacy(path)
        elif path.suffix == ".ckpt":
            found = read_parameters(path)
            arrays = {name: widen(value.numpy()) for name, value in found.items()}
        else:
            kinds = "expected .ckpt, .npz, .pth or .pt"
            raise InputError(f"{path}: {kinds}; a MindSpore checkpoint must be called .ckpt")
        return _checked(arrays, path), rest
    except InputError:
        raise
    except Exception as err:  # a damaged file can raise nearly everything, MemoryError too
        raise InputError(f"{path} is truncated, damaged or no file of weights") from err


def _checked(arrays, path):
    """The numbers among the arrays, under names without the prefix of DataParallel."""
    found = {}
    for key, value in arrays.items():
        name = key.removeprefix("module.")
        if value.dtype.kind not in "fiub":
            continue
        if name in found or not name.isprintable():
            raise ValueError(f"name {name!r}")
        found[name] = value
    if not found:
        raise InputError(f"{path} holds no tensors; give the file that holds the weights")
    return found


def _read_zip(path):
    """Arrays of PyTorch's archive or of an .npz, and what is beside them."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        # PyTorch does not compress; zipfile reads no more of an entry than it declares.
        most = path.stat().st_size * (1 if pickles else _MOST_UNPACKED) + (1 << 20)
        if sum(entry.file_size for entry in archive.infolist()) > most:
            raise InputError(f"{path} declares more data than it can hold; use another copy")
        if pickles:
            return read_zip(archive, pickles[0], path)
        found = [name for name in names if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _read_npy(archive.read(name)) for name in found}, {}


def _read_npy(data):
    return widen(np.load(io.BytesIO(data), allow_pickle=False))


def check_paths(source_path: str, target_path: str) -> None:
    """Answer wrong paths of a conversion before anything is read or built.

    Raises:
        InputError: a path is not given, the source does not exist, the target is no .ckpt.
    """
    for key, value in (("source_path", source_path), ("target_path", target_path)):
        if not value:
            raise InputError(f"{key} is missing; give it as --{key} FILE")
    if not Path(source_path).is_file():
        raise InputError(f"source_path {source_path} does not exist")
    if not target_path.endswith(".ckpt"):
        raise InputError(f"target_path {target_path} must end in .ckpt")


def save_converted(
    source: Mapping[str, np.ndarray],
    names: Mapping[str, Optional[str]],
    network: ms.nn.Cell,
    *,
    kind: str,
    source_path: str,
    target_path: str,
    advice: str,
    record: Optional[Mapping[str, Any]] = None,
) -> None:
    """Say what fits, and write the network's parameters with the values of another program's.

    Args:
        source: {name in the file: array}.
        names: {name in the file: parameter's name; None where the network has no use for it}.
            Entries of one parameter are its pieces along the first axis, in this order.
        network: the parameters to write; its values are not used.
        kind: what the file holds, in words.
        source_path: of the file, for the errors.
        target_path: .ckpt to write.
        advice: what to do when it does not fit.
        record: what else the checkpoint's record says.
    Raises:
        InputError: a missing or unexpected parameter or another shape; nothing was written.
    """
    shapes = {parameter.name: tuple(parameter.shape) for parameter in network.get_parameters()}
    arrays = _join(source, names, source_path)
    missing = [name for name in shapes if name not in arrays]
    left_over = [key for key in source if names.get(key) not in shapes]
    counts = f"{len(source) - len(left_over)} mapped, {len(missing)} missing"
    print(f"{kind}: {counts}, {len(left_over)} left over")
    for word, listed in (("missing", missing), ("left over", left_over)):
        for name in listed:
            print(f"  {word}: {name}")
    _check_fit(arrays, shapes, source_path, advice)
    parameters = [ms.Parameter(_plain(arrays[name]), name=name) for name in shapes]
    record = {"source": Path(source_path).name, "kind": kind, **(record or {})}
    save_parameters(parameters, target_path, record)
    print(f"wrote {target_path} with {len(parameters)} parameters")


def _plain(array):
    return np.asarray(array, np.float32, order="C")


def _join(source, names, path):
    """{parameter: array}, pieces joined."""
    pieces = {}
    for key, name in names.items():
        if name is not None:
            pieces.setdefault(name, []).append(source[key])
    try:
        return {n: p[0] if len(p) == 1 else np.concatenate(p) for n, p in pieces.items()}
    except ValueError as err:
        raise InputError(f"{path} does not fit: pieces of one parameter differ, {err}") from None


def _check_fit(arrays, shapes, path, advice):
    """InputError unless the arrays are those of the network, no more and no less."""
    wrong = [f"{name} is missing" for name in shapes if name not in arrays]
    for name, array in arrays.items():
        if name not in shapes:
            wrong.append(f"{name} is unexpected")
        elif array.shape != shapes[name]:
            wrong.append(f"{name} is {array.shape}, expected {shapes[name]}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(f"{path} does not fit: {'; '.join(wrong[:3])}{more}; {advice}")
