"""Preparation programs from their command line to their exit code."""

import argparse
import errno

import pytest

from geonet.src.model_utils.errors import InputError, RunError
from geonet.src.preparation import command_line


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("x is missing"), 2, "error: x is missing"),
        (RunError("it failed"), 1, "failed: it failed"),
        (KeyboardInterrupt(), 1, "stopped: the same command goes on from here"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            2,
            "error: /a/b: No space left on device; free some space",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            2,
            "error: /a/b: Permission denied; check the path",
        ),
    ],
)
def test_known_errors_are_one_line(capsys, error, code, line):
    def program():
        raise error

    with pytest.raises(SystemExit) as end:
        command_line.run(program)
    assert end.value.code == code
    assert capsys.readouterr().err == f"{line}\n"


def test_an_unknown_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        command_line.run(lambda: 1 / 0)


@pytest.mark.parametrize("text", ["3", "5", "101"])
def test_lengths(text):
    assert command_line.frames_of_sample(text) == int(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", "'4'; expected an odd number, the middle frame is the target"),
        ("1", "'1'; expected a whole number 3 to 101"),
        ("103", "'103'; expected a whole number 3 to 101"),
        ("-3", "'-3'; expected a whole number 3 to 101"),
        ("³", "'³'; expected a whole number 3 to 101"),
        ("9" * 5000, "expected a whole number 3 to 101"),
    ],
)
def test_lengths_that_cannot_be(text, expected):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        command_line.frames_of_sample(text)
    assert expected in str(error.value)
