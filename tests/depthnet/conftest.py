"""A small NYU tree, checkpoints of fresh networks, and two trainings that several tests look at."""

import mindspore as ms
import pytest

from depthnet.src.model_utils.checkpoint import save_networks
from depthnet.src.networks import CoarseNet, FineNet
from tests.synthetic.__main__ import main as render

# A training of both stages that is over soon.
SHORT = ["--batch_size", 1, "--coarse_net_train_step", 4, "--fine_net_train_step", 3]
QUICK = [*SHORT, "--log_steps", 1, "--resume_steps", 2, "--num_parallel_workers", 2]


@pytest.fixture(scope="session")
def nyu(tmp_path_factory):
    """Folder with Train/ (6 pairs) and Test/ (3 pairs), 640x480, rendered rooms."""
    out = tmp_path_factory.mktemp("nyu") / "NYU"
    sizes = ["--train", "6", "--test", "3", "--per_scene", "2", "--workers", "1"]
    render(["nyu", str(out), *sizes, "--seed", "7"])
    return out


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Folder with FinalCoarseNet.ckpt and FinalFineNet.ckpt of freshly initialised networks."""
    folder = tmp_path_factory.mktemp("weights")
    ms.set_seed(1)
    for name, make in (("coarse", CoarseNet), ("fine", FineNet)):
        net = make()
        save_networks({name: net}, folder / f"Final{make.__name__}.ckpt")
    return folder


@pytest.fixture(scope="session")
def straight(program, nyu):
    """(train_url of a training of both stages that nothing interrupted, what it printed)."""
    depthnet = program("depthnet")
    out, _ = depthnet.run("train.py", "--data_url", nyu, "--train_url", "straight", *QUICK)
    return depthnet.folder / "straight", out


def ckpt_flags(folder):
    """The flags that name the final checkpoints of a folder."""
    coarse, fine = folder / "FinalCoarseNet.ckpt", folder / "FinalFineNet.ckpt"
    return ["--coarse_ckpt_model", coarse, "--fine_ckpt_model", fine]
