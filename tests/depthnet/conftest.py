"""A small NYU tree and trained-in-seconds checkpoints for the DepthNet tests."""

import mindspore as ms
import pytest

from depthnet.src.model_utils.checkpoint import save_parameters
from depthnet.src.networks import CoarseNet, FineNet
from tests.synthetic.__main__ import main as render


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
    for name, make in (("FinalCoarseNet", CoarseNet), ("FinalFineNet", FineNet)):
        save_parameters(make().get_parameters(), folder / f"{name}.ckpt")
    return folder
