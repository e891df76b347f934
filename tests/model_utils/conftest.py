"""The small program that tests what the models share, copied beside model_utils."""

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
