"""The folder of prepared strips: what is in it, what it was made with, its lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.files import keep_newest, write_bytes
from ..sfm_utils.text_files import read_lines
from .frames import Strip, names_in

RECORD = "prepared.json"
LISTS = ("train.txt", "val.txt")
_SEED, _VAL_SHARE = 8964, 0.1  # as in the original
_WAY_OUT = "choose another --dump_root, or delete that folder"


def check_record(root: Path, settings: Mapping[str, Any]) -> None:
    """Compare what the strips of a folder are made with, if there are any, with what is wanted.

    Args:
        root: the folder, which need not exist.
        settings: {option: value} that strips of one folder have in common.
    Raises:
        InputError: the folder holds strips that were made otherwise, or by another program.
    """
    path = root / RECORD
    if path.exists():
        made = read_record(path)
        for key, value in settings.items():
            if made.get(key) != value:
                got = f"--{key}={shown(made.get(key))}"
                raise InputError(f"{path}: the strips here have {got}, not {value!r}; {_WAY_OUT}")
    elif next(root.glob("*/*.jpg"), None):
        raise InputError(f"{root} holds images without a {RECORD}, of another program; {_WAY_OUT}")


def write_record(root: Path, settings: Mapping[str, Any]) -> None:
    """Say in a folder what its strips are made with; it is made unless it is there."""
    write_bytes(root / RECORD, (json.dumps(settings, indent=2) + "\n").encode())


def read_record(path: Path) -> dict[str, Any]:
    """What strips were made with.

    Raises:
        InputError: missing or damaged.
    """
    text = "\n".join(read_lines(path))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} is damaged; {_WAY_OUT}")
    return found


def missing_strips(root: Path, strips: Sequence[Strip]) -> list[Strip]:
    """Those that are not in the folder yet, in their order.

    What killed processes left of others is deleted.
    """
    there = {}
    for folder in {strip.folder for strip in strips}:
        keep_newest(root / folder, "*", keep=0)
        there[folder] = frozenset(names_in(root / folder))
    return [
        strip
        for strip in strips
        if not there[strip.folder].issuperset((f"{strip.name}.jpg", f"{strip.name}_cam.txt"))
    ]


def write_lists(root: Path, strips: Sequence[Strip]) -> tuple[int, int]:
    """Write train.txt and val.txt, `folder frame` in each line; one strip in ten is for validation.

    The choice is the original's for a folder whose names its system lists in ascending order. The
    first strip is to train on and the second to validate on, however few there are.

    Args:
        root: the folder.
        strips: all that are to be listed.
    Returns:
        How many are in each.
    """
    names = sorted((strip.folder, strip.name) for strip in strips)
    is_val = np.random.RandomState(_SEED).random_sample(len(names)) < _VAL_SHARE
    parts = [[name for name, val in zip(names, is_val) if val == part] for part in (False, True)]
    for file, part in zip(LISTS, parts):
        text = "".join(f"{folder} {name}\n" for folder, name in part)
        write_bytes(root / file, text.encode())
    return len(parts[0]), len(parts[1])
