"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Checkpoints of named networks, and the state that a training resumes from.

A file is MindSpore's .ckpt with a record and a checksum at its end, which MindSpore's own functions
skip (see files.py). One network in a file keeps its parameters' names, several put theirs in front;
a folder holds a file for each network.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mindspore as ms

from .errors import InputError, NoWeightsError, RunError, one_line
from .files import append_record, previous, read_record, replacing
from .protobuf import read_entries

_VERSION = "mindspore"  # in the record of a state


def prefix_names(networks: Mapping[str, ms.nn.Cell]) -> None:
    """Put each network's name in front of its parameters' names.

    Networks that were built separately share names such as conv1.weight; an optimizer and a graph
    need distinct ones. Call it before the optimizer is built. Files keep the bare names.
    """
    for name, network in networks.items():
        before = getattr(network, "name_prefix", "")
        for parameter in network.get_parameters():
            parameter.name = f"{name}.{parameter.name.removeprefix(before)}"
        network.name_prefix = f"{name}."


def unique(parameters: Iterable[ms.Parameter]) -> dict[str, ms.Parameter]:
    """{name: parameter}.

    Raises:
        ValueError: two have one name.
    """
    found = {}
    for parameter in parameters:
        if found.setdefault(parameter.name, parameter) is not parameter:
            text = f"two parameters are called {parameter.name}"
            raise ValueError(f"{text}; give networks that were built separately to prefix_names")
    return found


def _layout(networks, path):
    """{file: {name in it: parameter}} of networks that are saved to, or loaded from, `path`."""
    files = {}
    for network_name, network in networks.items():
        prefix = getattr(network, "name_prefix", "")
        file = path if path.suffix == ".ckpt" else path / f"{network_name}.ckpt"
        in_front = f"{network_name}." if file == path and len(networks) > 1 else ""
        names = files.setdefault(file, {})
        for parameter in unique(network.get_parameters()).values():
            name = in_front + parameter.name.removeprefix(prefix)
            if name in names:
                raise ValueError(f"two parameters would be called {name} in {file}; rename one")
            names[name] = parameter
    return files


def save_networks(
    networks: Mapping[str, ms.nn.Cell], path: str | Path, record: Mapping[str, Any] | None = None
) -> None:
    """Write networks to one .ckpt, or to a folder with <name>.ckpt of each, in one atomic step.

    Args:
        networks: {name: Cell}.
        path: ends in .ckpt for a file; anything else is a folder.
        record: what JSON can hold: "options" of the networks, the input size, the step ...
    Raises:
        ValueError: two parameters would have one name in a file.
        RunError: the disk is full or not writable; the previous file or folder is intact.
    """
    path = Path(path)
    _save(path, _layout(networks, path), record)


def save_parameters(
    parameters: Iterable[ms.Parameter], path: str | Path, record: Mapping[str, Any] | None = None
) -> None:
    """Write parameters to a .ckpt under their own names; see `save_networks`.

    Raises:
        ValueError: two have one name.
    """
    path = Path(path)
    _save(path, {path: unique(parameters)}, record)


def _save(target, files, record):
    """Write {file: {name: parameter}}; the files are the target itself or lie in it."""
    try:
        with replacing(target) as temporary:
            for file, parameters in files.items():
                written = temporary / file.relative_to(target)
                written.parent.mkdir(exist_ok=True)
                items = [{"name": name, "data": data} for name, data in parameters.items()]
                ms.save_checkpoint(items, str(written))
                written.chmod(0o644)  # MindSpore leaves 0400
                append_record(written, record or {})
    except (OSError, RuntimeError, ValueError, TypeError) as err:
        hint = "the previous one is intact" if target.exists() else "nothing was written"
        raise RunError(f"cannot save {target}: {one_line(err)}; {hint}") from err


def must_exist(*paths: str | Path) -> None:
    """Check paths before networks are built.

    Raises:
        NoWeightsError: a checkpoint is missing.
    """
    for path in paths:
        if not Path(path).is_file():
            raise NoWeightsError(f"checkpoint {path} does not exist; train first or give its path")


def read_with_record(path: Path) -> tuple[dict[str, Any], dict[str, ms.Tensor | str]]:
    """Read a .ckpt file: (its record, all entries); see `read_parameters`."""
    must_exist(path)
    with ThreadPoolExecutor(1) as beside:  # the checksum costs no time of its own
        record = beside.submit(read_record, path)
        try:
            found = read_entries(path)
        except Exception as err:  # MindSpore's are of many kinds; their causes say what is wrong
            record.result()
            cause = one_line(err.__cause__ or err)
            text = f"checkpoint {path} is truncated or not a MindSpore checkpoint: {cause}"
            raise InputError(text) from err
    return record.result(), found


def read_parameters(path: str | Path) -> dict[str, ms.Tensor]:
    """Read a .ckpt file into {name: Tensor}.

    Raises:
        InputError: no such file, a damaged one, or no MindSpore checkpoint.
    """
    found = read_with_record(Path(path))[1]
    return {name: value for name, value in found.items() if isinstance(value, ms.Tensor)}


def load_networks(
    networks: Mapping[str, ms.nn.Cell], path: str | Path, allow_missing: bool = False
) -> list[str]:
    """Load what `save_networks` wrote, or any .ckpt of one network, all or nothing.

    Args:
        networks: {name: Cell} to fill.
        path: .ckpt file or folder; entries beside the networks' (an optimizer's) are ignored.
        allow_missing: keep the present value of parameters that the file lacks.
    Returns:
        Names that the file lacks (empty unless allow_missing).
    Raises:
        InputError: bad file, a missing name or a shape that differs; nothing was changed.
    """
    files = _layout(networks, Path(path))
    found = [_fitting(f, read_parameters(f), names, allow_missing) for f, names in files.items()]
    for _, values in found:
        _fill(values)
    return [name for missing, _ in found for name in missing]


def _fill(values):
    for parameter, value in values:  # without a copy; the file's parameters are used nowhere else
        same = value.dtype == parameter.dtype
        parameter.set_data(value if same else ms.Tensor(value.numpy(), parameter.dtype))


def _fitting(path, found, targets, allow_missing=False):
    """(names that a file lacks, [(parameter, its value)]) of the targets {name: parameter}."""
    missing = [name for name in targets if name not in found]
    wrong = [
        f"{name} {tuple(found[name].shape)}, expected {tuple(target.shape)}"
        for name, target in targets.items()
        if name in found and tuple(found[name].shape) != tuple(target.shape)
    ]
    if wrong or len(missing) == len(targets) or (missing and not allow_missing):
        unexpected = [name for name in found if name not in targets]
        lists = (("wrong shape", wrong), ("missing", missing), ("unexpected", unexpected))
        text = "; ".join(f"{len(names)} {word}: {_few(names)}" for word, names in lists if names)
        record = read_record(path)
        saved = [f"{key} {value}" for key, value in record.get("options", {}).items()]
        if record.get(_VERSION, ms.__version__) != ms.__version__:
            saved.append(f"MindSpore {record[_VERSION]}, this is {ms.__version__}")
        saved = f"; it was saved with {', '.join(saved)}" if saved else ""
        raise InputError(f"checkpoint {path} is of another model: {text}{saved}")
    return missing, [(target, found[name]) for name, target in targets.items() if name in found]


def _few(names, most=3):
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def save_state(
    path: str | Path, parameters: Iterable[ms.Parameter], progress: Mapping[str, Any]
) -> None:
    """Save everything that a step changes, and the progress; the state before it is kept too.

    Args:
        path: .ckpt; what it held goes to <stem>.previous.ckpt.
        parameters: of the networks, the optimizer and the loss scaler.
        progress: what JSON can hold.
    Raises:
        RunError: see `save_networks`.
    """
    path = Path(path)
    if path.is_file():
        with replacing(previous(path)) as temporary:
            try:
                os.link(path, temporary)
            except OSError:  # a file system without links
                shutil.copyfile(path, temporary)
    save_parameters(parameters, path, {"progress": dict(progress), _VERSION: ms.__version__})


def load_state(path: str | Path, parameters: Iterable[ms.Parameter]) -> dict[str, Any]:
    """Restore what `save_state` wrote; returns the progress.

    Raises:
        InputError: bad file, other parameters, or a checkpoint without progress.
    """
    record, found = read_with_record(Path(path))
    progress = _progress(path, record, found)
    _fill(_fitting(path, found, unique(parameters))[1])
    return progress


def _progress(path, record, found):
    """The progress of a state: in the record; version 0.1 kept it in an entry of its own."""
    progress, entry = record.get("progress"), found.get("progress")
    if progress is None and entry is None:
        raise InputError(f"{path} holds weights only; --resume needs a state file")
    try:
        progress = json.loads(entry) if progress is None else progress
    except (TypeError, ValueError, RecursionError):
        progress = None
    if not isinstance(progress, dict) or not isinstance(progress.get("step"), int):
        raise InputError(f"{path} is damaged, its progress cannot be read; use another state")
    return progress
