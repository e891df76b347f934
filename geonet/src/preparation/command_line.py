"""A preparation program from its command line to its exit code: mistakes end in one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from ..model_utils.errors import InputError, RunError

_MOST_COLUMNS = 65500


class Parser(argparse.ArgumentParser):
    """Options of a command line; what cannot be is answered in one line, with exit code 2.

    Args:
        description: the program's docstring.
    """

    def __init__(self, description: str):
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(description=description, formatter_class=form)

    def error(self, message: str) -> NoReturn:
        """Print the line and leave."""
        self.exit(2, f"error: {message} (--help lists the options)\n")


def whole(least: int, most: int = 1 << 14) -> Callable[[str], int]:
    """The type of an option that is a whole number within limits."""

    def number(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) < 10
        if not (is_number and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number {least} to {most}")
        return int(text)

    return number


def frames_of_sample(text: str) -> int:
    """The type of --seq_length: odd, for the target is the middle frame."""
    count = whole(3, 101)(text)
    if count % 2 == 0:
        raise argparse.ArgumentTypeError(
            f"{text!r}; expected an odd number, the middle frame is the target"
        )
    return count


def check_width(parser: Parser, options: argparse.Namespace) -> None:
    """Refuse strips that are wider than a JPEG can be: --seq_length times --img_width."""
    width = options.seq_length * options.img_width
    if width > _MOST_COLUMNS:
        parser.error(f"{width} columns in a strip, a JPEG has at most {_MOST_COLUMNS}")


def run(program: Callable[[], None]) -> None:
    """Call a program; known errors become one line and an exit code, 2 for a user's mistake."""
    try:
        program()
    except InputError as err:
        sys.exit(_report("error", err, 2))
    except RunError as err:
        sys.exit(_report("failed", err, 1))
    except KeyboardInterrupt:
        sys.exit(_report("stopped", "the same command goes on from here", 1))
    except BrokenPipeError:
        # Whoever read the output (head, less) has enough: nothing to report, and no one to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        full = "free some space" if "space" in str(err.strerror) else "check the path"
        sys.exit(_report("error", f"{where}{err.strerror}; {full}", 2))


def _report(word, text, code):
    print(f"{word}: {text}", file=sys.stderr)
    return code
