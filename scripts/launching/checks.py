"""Checks of the launchers' arguments; each takes (name, text) and returns the text to pass on."""

import os
from pathlib import Path

TARGETS = ("auto", "Ascend", "GPU", "CPU")


class UsageError(Exception):
    """A mistake of the user's: one line that says what, where and what to do; exit status 2."""


class RunError(Exception):
    """A run that failed: one line; exit status 1."""


def text(_name, text):
    """Anything."""
    return text


def folder(name, text):
    """An existing folder that can be listed; made absolute, since the model runs in its own."""
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise UsageError(f"{name}: {text} is not a folder")
    if not os.access(path, os.R_OK | os.X_OK):
        raise UsageError(f"{name}: {text} cannot be read; chmod it or run as another user")
    return str(path)


def file(name, text):
    """An existing file that can be read; made absolute."""
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f"{name}: {text} is not a file")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{name}: {text} cannot be read; chmod it or run as another user")
    return str(path)


def tree(*needed):
    """A check for a folder that has the given folders below it."""

    def check(name, text):
        path = folder(name, text)
        for below in needed:
            folder(name, f"{path}/{below}")
        return path

    return check


def weights(name, text):
    """Weights as the models find them: a file, with or without its ending, or a folder."""
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        return folder(name, text)
    found = [file for file in (path, *map(path.with_name, _spelt_out(path))) if file.is_file()]
    if not found:
        endings = " or ".join(_spelt_out(Path(text)))
        raise UsageError(f"{name}: {text} is not a file, nor is {endings}")
    file(name, str(found[0]))
    return str(path)


def _spelt_out(path):
    return f"{path.name}.ckpt", f"{path.name}.index"


def new_folder(name, text):
    """A folder that exists or can be made; made absolute."""
    path = Path(text).expanduser().absolute()
    parent = next(p for p in (path, *path.parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{name}: {text} cannot be written, {parent} forbids it")
    return str(path)


def number(name, text):
    """A device number: 0, 1, ..."""
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{name}: {text!r} is not a number (0, 1, ...)")
    return str(int(text))


def count(name, text):
    """A number of devices or steps: 1, 2, ..."""
    if int(number(name, text)) < 1:
        raise UsageError(f"{name}: {text!r} must be at least 1")
    return str(int(text))


def device_list(name, text):
    """Device numbers with commas between them, each once: 0,1,2."""
    devices = [number(name, device) for device in text.split(",")]
    if len(set(devices)) != len(devices):
        raise UsageError(f"{name}: {text} names a device twice")
    return ",".join(devices)


def ranks(name, text):
    """A rank table file, or a number of devices of this host."""
    return count(name, text) if text.isdigit() else file(name, text)


def choice(*allowed):
    """A check that accepts only the given words."""

    def check(name, text):
        if text not in allowed:
            raise UsageError(f"{name}: {text!r} is not one of {', '.join(allowed)}")
        return text

    return check


target = choice(*TARGETS)
