"""The small program that tests what the models share, copied beside model_utils."""

import builtins
import shutil

import pytest

from tests.conftest import REPOSITORY, Program


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A model folder with nothing but model_utils and a program of two small networks."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    shutil.copytree(REPOSITORY / "tests/model_utils/tiny", folder)
    shutil.copytree(REPOSITORY / "depthnet/src/model_utils", folder / "src/model_utils")
    (folder / "src/__init__.py").write_text('"""Test."""\n')
    return Program(folder)


class Printed:
    """What is printed to standard output; calling it gives what was flushed since the last call.

    In a file or a pipe a line that is not flushed appears minutes later.
    """

    def __init__(self, real):
        self.real, self.waiting, self.flushed = real, "", ""

    def print(self, *words, sep=" ", end="\n", file=None, flush=False):
        if file is not None:
            self.real(*words, sep=sep, end=end, file=file, flush=flush)
            return
        self.waiting += sep.join(map(str, words)) + end
        if flush:
            self.flushed, self.waiting = self.flushed + self.waiting, ""

    def __call__(self):
        text, self.flushed = self.flushed, ""
        return text


@pytest.fixture
def printed(monkeypatch):
    """Takes the place of print()."""
    found = Printed(print)
    monkeypatch.setattr(builtins, "print", found.print)
    return found
