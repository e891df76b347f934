"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Checkpoints that are whole or absent: written to a temporary name, synced, renamed.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import mindspore as ms
import numpy as np

from .config import InputError, RunError

_PROGRESS = "progress"


def save_parameters(parameters, path, progress=None):
    """Write parameters to a .ckpt file in one atomic step.

    Args:
        parameters: iterable of Parameter (a Cell's get_parameters()); a repeated name counts once.
        path: target ending in .ckpt; its folder is made; an existing file stays until the rename.
        progress: JSON-serialisable dict to keep beside the parameters (see load_state).
    Raises:
        RunError: the disk is full or not writable; the previous file is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unique = {parameter.name: parameter for parameter in parameters}
    items = [{"name": name, "data": data} for name, data in unique.items()]
    extra = {_PROGRESS: json.dumps(progress)} if progress is not None else None
    prefix = f".save-{path.stem}-"
    try:
        for left in path.parent.glob(f"{prefix}*"):  # by a process that was killed while saving
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent) as folder:
            temporary = Path(folder) / path.name
            ms.save_checkpoint(items, str(temporary), append_dict=extra)
            temporary.chmod(0o644)  # MindSpore leaves 0400
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    except (OSError, RuntimeError, ValueError, TypeError) as err:
        reason = " ".join(str(err).split()) or type(err).__name__
        raise RunError(f"cannot save {path}: {reason}; what was there before is whole") from err


def read_parameters(path):
    """Read a .ckpt file into {name: Parameter}.

    Raises:
        InputError: no such file, or not a whole MindSpore checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"checkpoint {path} does not exist; train first or give its path")
    try:
        return ms.load_checkpoint(str(path))
    except (ValueError, RuntimeError, TypeError, OSError):
        raise InputError(f"checkpoint {path} is truncated or not a MindSpore checkpoint") from None


def load_parameters(net, path, allow_missing=False):
    """Load a checkpoint into `net`, all or nothing.

    Args:
        net: Cell (or list of Parameter) to fill.
        path: .ckpt file; optimizer entries beside the network's are ignored.
        allow_missing: keep the present value of parameters that the file lacks.
    Returns:
        Names that the file lacks (empty unless allow_missing).
    Raises:
        InputError: bad file, a missing name or a shape that differs; nothing was changed.
    """
    targets = {p.name: p for p in (net.get_parameters() if isinstance(net, ms.nn.Cell) else net)}
    found = read_parameters(path)
    missing = [name for name in targets if name not in found]
    wrong = [
        f"{name} {tuple(found[name].shape)}, expected {tuple(target.shape)}"
        for name, target in targets.items()
        if name in found and tuple(found[name].shape) != tuple(target.shape)
    ]
    known = len(targets) - len(missing)
    if wrong or known == 0 or (missing and not allow_missing):
        unexpected = [name for name in found if name not in targets]
        lists = (("wrong shape", wrong), ("missing", missing), ("unexpected", unexpected))
        text = "; ".join(f"{len(names)} {word}: {_few(names)}" for word, names in lists if names)
        raise InputError(f"checkpoint {path} is of another model: {text}")
    for name, target in targets.items():
        if name in found:
            value = found[name].asnumpy()
            target.set_data(ms.Tensor(np.array(value), target.dtype))
    return missing


def _few(names, most=3):
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def save_state(path, parameters, progress):
    """Save the network, optimizer and scaler parameters with the progress, for load_state."""
    save_parameters(parameters, path, progress)


def load_state(path, parameters):
    """Restore what save_state wrote.

    Returns:
        The progress dict.
    Raises:
        InputError: bad file, other parameters, or a checkpoint without progress.
    """
    found = read_parameters(path)
    if _PROGRESS not in found:
        raise InputError(f"{path} holds weights only; --resume needs a state file")
    load_parameters(list(parameters), path)
    return json.loads(found[_PROGRESS])


def keep_newest(folder, pattern, keep):
    """Delete all but the `keep` newest files that match; 0 keeps all."""
    files = sorted(Path(folder).glob(pattern), key=lambda file: file.stat().st_mtime)
    for file in files[: len(files) - keep] if keep else []:
        file.unlink()
