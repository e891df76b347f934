"""Where weights lie: a checkpoint of ours or of TensorFlow, by any name that a user may give."""

import re
from pathlib import Path

from ..model_utils.errors import InputError, NoWeightsError, shown
from ..model_utils.files import is_file
from .tf_checkpoint import index_path

_STEP = re.compile(r"model-(\d{1,18})\.(ckpt|index)")
_NEWEST = re.compile(r'^model_checkpoint_path: *"([^"\n]*)"', re.MULTILINE)
_LONGEST = 1 << 20  # characters of TensorFlow's list of checkpoints


def find_weights(path, key="init_ckpt_file"):
    """The file of the weights that a command line names.

    Args:
        path: a .ckpt or a file of a TensorFlow checkpoint, whose ending may be left out; or a
            folder: its model-<step>.ckpt of the highest step, else the checkpoint that
            TensorFlow's list `checkpoint` calls the newest, else the only one in it.
        key: option that names it.
    Returns:
        Path of a .ckpt, or of a TensorFlow checkpoint's .index.
    Raises:
        NoWeightsError: there is none; the line says what was looked for.
        InputError: a part of it is missing, or the folder does not tell which.
    """
    if not path:
        raise NoWeightsError(f"{key} is missing; give it as --{key} PATH, such as ckpt/model-5000")
    path = Path(path).expanduser()
    if is_file(path):
        return _whole(path)
    if path.is_dir():
        return _in_folder(path, key)
    for ending in (".ckpt", ".index"):
        file = path.with_name(path.name + ending) if path.name else path
        if is_file(file):
            return file
    text = f"{key} {path} does not exist, nor {path.name}.ckpt, nor TensorFlow's {path.name}.index"
    raise NoWeightsError(f"{text}; train first, or give its path")


def _whole(path):
    """A file itself, or the index of the checkpoint to which it belongs."""
    index = index_path(path)
    if index is not None and not is_file(index):
        raise InputError(f"{index} does not exist; put it beside {path.name}")
    return index or path


def _in_folder(folder, key):
    """The newest checkpoint of a folder."""
    for ending in ("ckpt", "index"):
        listed = folder / "checkpoint"
        if ending == "index" and is_file(listed):
            return _listed(listed)
        found = [(_STEP.fullmatch(file.name), file) for file in folder.glob(f"model-*.{ending}")]
        steps = {int(match[1]): file for match, file in found if match}
        if steps:
            return steps[max(steps)]
    files = [path for path in folder.iterdir() if path.suffix in (".ckpt", ".index")]
    files = sorted(path for path in files if not path.name.startswith("state_"))
    if len(files) == 1:
        return files[0]
    if files:
        few = ", ".join(path.name for path in files[:3]) + ", ..." * (len(files) > 3)
        raise InputError(f"{key} {folder} is a folder with {few}; give one of them")
    text = f"{key} {folder} is a folder without model-<step>.ckpt, and without TensorFlow's list"
    raise NoWeightsError(f"{text} checkpoint; train first, or give a file")


def _listed(file):
    """The checkpoint that TensorFlow's list calls the newest; it may have moved with the list."""
    with file.open(encoding="utf-8", errors="replace") as opened:
        found = _NEWEST.search(opened.read(_LONGEST))
    if found is None or not Path(found[1]).name:
        text = f"{file} names no model_checkpoint_path"
        raise InputError(f"{text}; give the checkpoint itself, without its ending")
    named = file.parent / found[1]
    for prefix in (named, file.parent / named.name):
        index = prefix.with_name(f"{prefix.name}.index")
        if is_file(index):
            return index
    text = f"{file} names {shown(found[1])}, which is not beside it"
    raise InputError(f"{text}; give the checkpoint itself, without its ending")
