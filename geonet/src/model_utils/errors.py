"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The errors that end a program with one line instead of a traceback.
"""


class InputError(ValueError):
    """A user's mistake in one line: what, where, what to do. Exit code 2."""


class NoWeightsError(InputError):
    """Weights that a program needs do not exist."""


class RunError(RuntimeError):
    """A known failure of a run (a loss that is not finite ...) in one line. Exit code 1."""


def one_line(error: BaseException) -> str:
    """The text of an exception in one line; its type's name when it has no text."""
    return " ".join(str(error).split()) or type(error).__name__


def shown(value: object, most: int = 80) -> str:
    """repr() of what a damaged file holds, cut to `most` characters."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
