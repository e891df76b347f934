"""Small data and weights that several tests of MiDaS read (none writes to them)."""

import shutil

import pytest

from tests.midas.eval_trees import TREE
from tests.synthetic.__main__ import main
from tests.warm import WarmProgram


@pytest.fixture(scope="session")
def midas_data(tmp_path_factory):
    """Folder for --train_data_dir: eight ReDWeb pairs, three images of each evaluation dataset."""
    out = tmp_path_factory.mktemp("midas_data")
    size = ["--height", "60", "--width", "80", "--workers", "1"]
    main(["midas", str(out), "--train", "8", "--test", "3", *size])
    return out


@pytest.fixture(scope="session")
def warm_midas(program):
    """The model's folder, whose short runs are forks of a process that has imported MindSpore."""
    warm = WarmProgram(program("midas").folder)
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A small network's checkpoint whose output is positive."""
    # Here, not above: tests of the data need no MindSpore.
    from tests.midas.small import save_positive

    return save_positive(tmp_path_factory.mktemp("weights") / "small.ckpt")


@pytest.fixture
def tree(tmp_path):
    """A writable copy of the goldens' evaluation trees."""
    target = tmp_path / "tree"
    shutil.copytree(TREE, target)
    return target
