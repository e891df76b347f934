"""Words of a command line: which model they are about, arguments, flags."""

import os
from pathlib import Path

from ..models import MODELS
from .checks import UsageError

ROOT = Path(__file__).resolve().parents[2]


def models_folder():
    """The folder with the model folders: the repository, or ZOO_MODELS_DIR (copies, tests)."""
    return Path(os.environ.get("ZOO_MODELS_DIR") or ROOT).absolute()


def model_of(words):
    """Which model a command line is about.

    Args:
        words: the first may name the model; inside a model's folder it need not.
    Returns:
        (model, the words after it).
    Raises:
        UsageError: no model is named, and this is no model's folder.
    """
    if words and words[0] in MODELS:
        return words[0], words[1:]
    here, root = Path.cwd().resolve(), models_folder().resolve()
    inside = here.relative_to(root).parts if root in here.parents else ()
    if inside and inside[0] in MODELS:
        return inside[0], words
    given = words[0] if words else ""
    raise UsageError(f"unknown model {given!r}; the models are {', '.join(MODELS)}")


def switch(name):
    """Whether an environment variable is on: 1 or true; empty, 0 or false is off.

    Raises:
        UsageError: anything else.
    """
    text = os.environ.get(name, "").lower()
    if text not in ("", "0", "false", "1", "true"):
        raise UsageError(f"{name}={text}: write 1 or 0")
    return text in ("1", "true")


def split_words(words):
    """(words, extras, dry run): extras begin at the first word with --; --dry_run is taken out."""
    dry_run = switch("DRY_RUN") or "--dry_run" in words
    words = [word for word in words if word != "--dry_run"]
    split = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return words[:split], words[split:], dry_run


def match_arguments(model, arguments, given):
    """Match words with arguments.

    Args:
        model: for messages.
        arguments: tuple of Argument.
        given: words.
    Returns:
        ({name: checked value}, the program's flags).
    Raises:
        UsageError: too few, too many, or one that is not allowed.
    """
    needed = [argument.name for argument in arguments if argument.required]
    if len(given) < len(needed):
        raise UsageError(f"{model} needs {needed[len(given)]}")
    if len(given) > len(arguments):
        extra = given[len(arguments)]
        raise UsageError(f"unexpected argument {extra!r}; flags of the program begin with --")
    values, flags = {}, []
    for argument, text in zip(arguments, given):
        values[argument.name] = argument.checked(text)
        if argument.name != "DEVICE_TARGET":
            flags += argument.flags(values[argument.name])
    return values, flags
