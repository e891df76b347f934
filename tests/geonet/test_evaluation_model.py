"""What an evaluation knows of its weights, and the small networks around the networks."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from geonet.src.evaluation.model import Depth, Facts, Flow, Model, Poses
from geonet.src.model_utils import graph_cache
from geonet.src.model_utils.checkpoint import save_networks
from geonet.src.model_utils.device import Device
from geonet.src.model_utils.errors import InputError
from geonet.src.networks import make_networks, needed_networks
from geonet.src.networks.full_flow import FullFlow
from tests.geonet.golden_networks import GOLDEN, filled

GIVEN = Facts(128, 416, 3, "resnet50", False, "residual")
CHECKPOINT = GOLDEN / "ckpt_pose" / "model-12345"


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


def model_of(path, given=GIVEN, batch_size=2):
    return Model(path, given, batch_size, "auto", lambda: Device("CPU"))


@pytest.fixture(scope="module")
def poses(tmp_path_factory):
    """Weights of a pose network alone, of five frames of 64x128."""
    path = tmp_path_factory.mktemp("poses") / "model-7.ckpt"
    record = {"networks": ["pose_net"], "mode": "train_rigid", "dispnet_encoder": "vgg"}
    record |= {"img_height": 64, "img_width": 128, "seq_length": 5, "scale_normalize": True}
    save_networks(filled(["pose_net"], seq_length=5), path, record)
    return path


def test_weights_of_ours_win_over_what_was_given(poses, capsys):
    model = model_of(poses.with_suffix(""))
    assert model.facts == Facts(64, 128, 5, "vgg", True, "residual")
    assert model.name == "model-7" and model.size == (64, 128)
    out = capsys.readouterr().out
    assert "the weights are of img_height 64 (not 128), img_width 128 (not 416)" in out
    assert "seq_length 5 (not 3)" in out and "scale_normalize True (not False)" in out


def test_nothing_is_said_where_all_agree(poses, capsys):
    model_of(poses, Facts(64, 128, 5, "vgg", True, "residual"))
    assert capsys.readouterr().out == ""


def test_tensorflow_s_weights_leave_their_size_to_the_user():
    model = model_of(CHECKPOINT, GIVEN._replace(img_height=64, img_width=96, seq_length=5))
    assert model.size == (64, 96) and model.name == "model-12345"
    assert model.facts.seq_length == 3, "its first layer tells"


@pytest.mark.parametrize(("task", "lacking"), [("depth", "depth_net"), ("flow", "flow_net")])
def test_weights_that_lack_a_network_are_told(task, lacking):
    model_of(CHECKPOINT).check("pose")
    with pytest.raises(InputError, match=f"holds pose_net, but test_{task} needs .*{lacking}"):
        model_of(CHECKPOINT).check(task)


def test_a_size_that_does_not_suit_the_networks_is_told(monkeypatch):
    model = model_of(CHECKPOINT, GIVEN._replace(img_height=100))
    monkeypatch.setitem(model.weights.networks, "depth_net", {})
    with pytest.raises(InputError, match="img_height 100"):
        model.check("depth")


def test_a_number_of_frames_without_a_middle_is_told(poses, monkeypatch):
    monkeypatch.setattr("geonet.src.evaluation.model.open_weights", Weights)
    with pytest.raises(InputError, match="seq_length 4 has no middle frame"):
        model_of(poses, GIVEN._replace(seq_length=4))


class Weights:
    """Weights that tell nothing."""

    def __init__(self, path):
        self.path, self.record, self.networks = path, dict.fromkeys(Facts._fields), {}


class Disparity(nn.Cell):
    """Two scales of disparity: 2 plus the red channel (-1..1)."""

    def construct(self, images):
        return 2 + images[:, :1], images[:, :1]


def planes(*values, channels=3):
    """(B, C, 4, 8) uint8 of one value each; the right half is 255."""
    images = np.stack([np.full((channels, 4, 8), value, np.uint8) for value in values])
    images[..., 4:] = 255
    return ms.Tensor(images)


@pytest.mark.parametrize("scale_normalize", [False, True])
def test_depth_is_one_over_the_first_disparity_or_over_its_share_of_the_mean(scale_normalize):
    depth = Depth(Disparity(), scale_normalize)(planes(0, 255)).asnumpy()
    assert depth.shape == (2, 1, 4, 8)
    first, second = (2, 1) if scale_normalize else (1, 1 / 3)  # disparities 1 and 3; 3 and 3
    np.testing.assert_allclose(depth[0, 0, :, 0], first, rtol=1e-6)
    np.testing.assert_allclose(depth[0, 0, :, 7], first / 3, rtol=1e-6)
    np.testing.assert_allclose(depth[1], second, rtol=1e-6)


class Seen(nn.Cell):
    """The mean of each channel."""

    def construct(self, images):
        return images.mean((2, 3))


def test_poses_see_values_from_minus_one_to_one():
    seen = Poses(Seen())(planes(255, channels=9)).asnumpy()
    np.testing.assert_allclose(seen, np.ones((1, 9)), rtol=1e-6)


told = []  # what was built


class Flows(nn.Cell):
    """In place of FullFlow: the target's first channel and that of the chosen source."""

    def __init__(self, networks, flownet_type, scale_normalize, source):
        super().__init__()
        told.append((networks, flownet_type, scale_normalize, source))
        self.source = source

    def construct(self, target, sources, K, inv_K):
        source = 3 * self.source
        return ms.ops.concat((target[:, :1], sources[:, source : source + 1]), 1) * K[0, 0, 0]


@pytest.mark.parametrize(("length", "source"), [(3, 1), (5, 2)])
def test_flow_leads_to_the_frame_after_the_target(poses, monkeypatch, length, source):
    told.clear()
    monkeypatch.setattr("geonet.src.evaluation.model.FullFlow", Flows)
    monkeypatch.setattr("geonet.src.evaluation.model.open_weights", Weights)
    monkeypatch.setattr(Model, "_networks", lambda self, task: {"of": task})
    predict = model_of(poses, GIVEN._replace(seq_length=length, scale_normalize=True)).flow()
    images = np.zeros((2, 3 * length, 4, 8), np.uint8)
    images[0, 3 + 3 * source] = 255
    K = np.tile(np.float32(2 * np.eye(3)), (2, 1, 1))
    flow = predict(images, K, K)
    assert flow.shape == (2, 4, 8, 2)
    np.testing.assert_allclose(flow[:, 0, 0], [[-2, 2], [-2, -2]], rtol=1e-6)
    assert told == [({"of": "flow"}, "residual", True, source)]


def test_a_short_batch_is_filled_and_cut_again(poses):
    """Its rows are those of the samples, whatever the last one is filled with."""
    model = model_of(poses, batch_size=3)
    predict = model.poses()
    images = np.random.default_rng(0).integers(0, 256, (3, 15, 64, 128), np.uint8)
    found = predict(images)
    assert found.shape == (3, 4, 6)
    np.testing.assert_allclose(predict(images[:1]), found[:1], rtol=0, atol=1e-8)


@pytest.mark.parametrize("task", ["depth", "pose", "flow"])
def test_the_graphs_of_every_task_can_be_kept(task):
    """All that the cells hold can be described; see graph_cache."""
    found = make_networks(needed_networks(task, "residual"))
    cell = {
        "depth": lambda: Depth(found["depth_net"], False),
        "pose": lambda: Poses(found["pose_net"]),
        "flow": lambda: Flow(FullFlow(found, "residual", False, 1)),
    }[task]()
    assert graph_cache._name_of(cell) is not None
