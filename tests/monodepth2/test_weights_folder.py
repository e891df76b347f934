"""Folders of weights: loaded all or nothing, what they record, and what is wrong with them."""

import shutil

import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import prefix_names, save_networks
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.networks import DepthDecoder, PoseCNN, PoseDecoder, ResnetEncoder
from monodepth2.src.weights.folder import load_folder, read_folder_record
from tests.monodepth2.golden_networks import filled
from tests.monodepth2.weight_files import SIZE, assert_det, networks, save_folder, torch_entries
from tests.torch_files import save_torch

RECORD = {**SIZE, "num_layers": 18, "metric_scale": 5.4}


@pytest.fixture(scope="module")
def made():
    return networks()


@pytest.fixture(scope="module")
def folders(made, tmp_path_factory):
    """{kind: folder} with the same four networks; nothing writes to them."""
    root = tmp_path_factory.mktemp("weights")
    found = {
        ending: save_folder(root / ending[1:], made, ending, **SIZE)
        for ending in (".pth", ".pt", ".pdparams", ".h5")
    }
    found[".ckpt"] = root / "ckpt"
    ours = {name: filled(network, name) for name, network in made.items()}
    save_networks(ours, found[".ckpt"], RECORD)
    return found


@pytest.fixture
def fresh():
    """Depth networks without values."""
    return networks("encoder", "depth")


def values(made):
    return {p.name: p.asnumpy().copy() for net in made.values() for p in net.get_parameters()}


KINDS = [".ckpt", ".pth", ".pt", ".pdparams", ".h5"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_folder_fills_the_networks(folders, kind, capsys):
    made = networks()
    load_folder(made, folders[kind])
    for name, network in made.items():
        assert_det(network, name)
    lines = [f"Loading {name} weights..." for name in made]
    assert capsys.readouterr().out.splitlines() == [
        f"loading model from folder {folders[kind]}",
        *lines,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_folder_records(folders, kind):
    found = read_folder_record(folders[kind])
    assert {key: found[key] for key in RECORD} == RECORD


def test_a_network_whose_names_have_a_prefix(folders):
    depth = DepthDecoder([64, 64, 128, 256, 512])
    prefix_names({"depth": depth})
    load_folder({"depth": depth}, folders[".pth"])
    assert_det(depth, "depth")


def test_only_the_networks_that_are_named(folders, fresh, capsys):
    before = values({"depth": fresh["depth"]})
    load_folder(fresh, folders[".pth"], ["encoder", "pose_encoder", "pose"])
    assert "depth" not in capsys.readouterr().out
    assert_det(fresh["encoder"], "encoder")
    for name, value in values({"depth": fresh["depth"]}).items():
        np.testing.assert_array_equal(value, before[name])


def test_our_own_file_is_preferred(folders, tmp_path, fresh):
    shutil.copy(folders[".ckpt"] / "depth.ckpt", tmp_path)
    (tmp_path / "depth.pth").write_bytes(b"damaged")
    load_folder({"depth": fresh["depth"]}, tmp_path)
    assert_det(fresh["depth"], "depth")


def test_a_network_without_its_file_is_named_and_nothing_changes(folders, tmp_path, fresh, capsys):
    shutil.copy(folders[".pth"] / "encoder.pth", tmp_path)
    before = values(fresh)
    hint = "it holds encoder; give another folder, or train with --models_to_load encoder"
    with pytest.raises(InputError, match=f"{tmp_path} lacks depth: {hint}"):
        load_folder(fresh, tmp_path)
    (tmp_path / "depth.pth").write_bytes(b"\x80damaged")
    with pytest.raises(InputError, match="depth.pth is truncated, damaged"):
        load_folder(fresh, tmp_path)
    for name, value in values(fresh).items():
        np.testing.assert_array_equal(value, before[name])


def test_folders_that_hold_nothing(tmp_path, fresh):
    for read in (read_folder_record, lambda folder: load_folder(fresh, folder)):
        with pytest.raises(InputError, match="Cannot find folder .*absent: train first, or give"):
            read(tmp_path / "absent")
        (tmp_path / "mono.zip").write_bytes(b"PK")
        with pytest.raises(InputError, match="Cannot find folder .*mono.zip: it is a file; unpack"):
            read(tmp_path / "mono.zip")
        hint = "it holds no network (.ckpt, .pth, .pdparams); give a folder of weights"
        with pytest.raises(InputError) as error:
            read(tmp_path)
        assert "lacks encoder" in str(error.value) and str(error.value).endswith(hint)
    with pytest.raises(InputError, match="models_to_load pose: the networks here are encoder, dep"):
        load_folder(fresh, tmp_path, ["pose"])


def test_a_folder_in_the_home(folders, monkeypatch, fresh):
    monkeypatch.setenv("HOME", str(folders[".pth"].parent))
    load_folder({"depth": fresh["depth"]}, "~/pth")
    assert read_folder_record("~/pth")["height"] == 64


def test_an_encoder_of_another_depth(folders):
    with pytest.raises(InputError) as error:
        load_folder({"encoder": ResnetEncoder(34)}, folders[".pth"])
    text = "encoder.pth is an encoder of 18 layers, not 34; add --num_layers 18"
    assert text in str(error.value)


def small(name):
    """A depth, pose or mask network of another kind than the 18-layer one's."""
    channels = [64, 64, 128, 256, 512]
    return {
        "depth": lambda: DepthDecoder([64, 256, 512, 1024, 2048]),
        "pose": lambda: PoseCNN(2),
        "pose_encoder": lambda: ResnetEncoder(18, 3),
        "predictive_mask": lambda: DepthDecoder(channels, num_output_channels=3),
    }[name]()


OTHERS = {
    "depth": "decoder.0.conv.weight is (256, 2048, 3, 3), expected (256, 512, 3, 3)",
    "pose": "--pose_model_type and --pose_model_input of its training",
    "pose_encoder": "encoder.conv1.weight is (64, 9, 7, 7), expected (64, 6, 7, 7)",
    "predictive_mask": "give the --frame_ids and --use_stereo of its training",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_network(tmp_path, made, name):
    folder = save_folder(tmp_path / "a", {name: small(name)}, ".pt")
    mask = DepthDecoder([64, 64, 128, 256, 512], num_output_channels=2)
    with pytest.raises(InputError) as error:
        load_folder({name: made.get(name, mask)}, folder)
    line = str(error.value)
    assert f"{name}.pt is of another network" in line and OTHERS[name] in line
    assert len(line.splitlines()) == 1 and len(line) < 700


def test_outputs_of_scales_that_the_network_leaves_out(folders):
    depth = DepthDecoder([64, 64, 128, 256, 512], (0,))
    load_folder({"depth": depth}, folders[".pth"])
    assert_det(depth, "depth")


def test_a_parameter_too_few_or_too_many(tmp_path):
    pose = PoseDecoder([16], 1, 2)
    entries = torch_entries(pose, "pose")
    for change, message in (
        ({"net.4.bias": np.zeros(3, np.float32)}, "'net.4.bias' is unexpected"),
        ({"net.3.bias": None}, "net.3.bias is missing"),
        ({"decoder": np.zeros(3, np.float32)}, "'decoder' is unexpected"),
        ({"decoder.9.conv.bias": np.zeros(3, np.float32)}, "'decoder.9.conv.bias' is unexpected"),
    ):
        changed = {k: v for k, v in {**entries, **change}.items() if v is not None}
        save_torch(tmp_path / "pose.pth", changed)
        with pytest.raises(InputError, match=f"is of another network: {message};"):
            load_folder({"pose": pose}, tmp_path)


def test_of_many_differences_three_and_how_many_more(tmp_path):
    pose = PoseDecoder([16], 1, 2)
    entries = torch_entries(pose, "pose")
    for count, more in ((3, ";"), (5, " and 2 more;")):
        save_torch(tmp_path / "pose.pth", dict(list(entries.items())[count:]))
        with pytest.raises(
            InputError, match=f"net.0.bias is missing; net.1.weight is missing{more}"
        ):
            load_folder({"pose": pose}, tmp_path)


def encoder_file(folder, entries, **rest):
    save_torch(folder / "encoder.pth", {**entries, **rest})
    return folder


@pytest.fixture(scope="module")
def tiny():
    """Entries that look like an encoder of 18 layers, and are a few numbers."""
    blocks = [f"encoder.layer{s}.{b}.conv1.weight" for s in (1, 2, 3, 4) for b in (0, 1)]
    return dict.fromkeys(blocks, np.ones(1, np.float32))


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"height": 64},
        {"height": 64, "width": 100},
        {"height": 0, "width": 96},
        {"height": 64, "width": (1 << 14) + 32},
        {"height": 64, "width": -32},
        {"height": 64.0, "width": 96},
        {"height": "64", "width": 96},
    ],
)
def test_an_encoder_that_does_not_say_a_size(tmp_path, tiny, rest):
    with pytest.raises(
        InputError, match=r"encoder.pth says (height|width) .*, expected a multiple"
    ):
        read_folder_record(encoder_file(tmp_path, tiny, **rest))


def test_the_largest_size(tmp_path, tiny):
    found = read_folder_record(encoder_file(tmp_path, tiny, height=32, width=1 << 14))
    assert (found["height"], found["width"], found["use_stereo"]) == (32, 1 << 14, False)


def test_depth_of_a_training_on_video_alone_is_not_metric(tmp_path, tiny):
    rest = {"height": 64, "width": 96, "use_stereo": False}
    assert read_folder_record(encoder_file(tmp_path, tiny, **rest))["metric_scale"] is None


def test_no_encoder_in_the_encoder_s_file(tmp_path, tiny):
    del tiny["encoder.layer4.1.conv1.weight"]
    with pytest.raises(InputError, match="encoder.pth holds no complete ResNet of 18, 34, 50"):
        read_folder_record(encoder_file(tmp_path, tiny, height=64, width=96))


def ours(folder, **record):
    """A folder of ours whose encoder's file is small."""
    save_networks({"encoder": PoseDecoder([1], 1, 1)}, folder, record)
    return folder


def test_our_record_is_taken_without_reading_the_weights(tmp_path):
    record = {"height": 64, "width": 96, "use_stereo": True, "num_layers": 50, "step": 9}
    found = read_folder_record(ours(tmp_path / "a", **record))
    assert found == {**record, "metric_scale": None}
    found = read_folder_record(ours(tmp_path / "b", **record, metric_scale=0.5))
    assert found["metric_scale"] == 0.5


@pytest.mark.parametrize("scale", [0, -1.0, float("inf"), float("nan"), "5.4"])
def test_a_metric_scale_that_is_none(tmp_path, scale):
    record = {"height": 64, "width": 96, "num_layers": 18, "metric_scale": scale}
    with pytest.raises(InputError, match="encoder.ckpt says metric_scale .*, expected metres per"):
        read_folder_record(ours(tmp_path / "a", **record))


@pytest.mark.parametrize("layers", [19, [18], None])
def test_our_record_without_a_known_depth(tmp_path, layers):
    record = {"height": 64, "width": 96, "num_layers": layers}
    with pytest.raises(InputError, match="encoder.ckpt holds no complete ResNet"):
        read_folder_record(ours(tmp_path / "a", **record))


def test_a_damaged_file_of_ours(folders, tmp_path):
    data = bytearray((folders[".ckpt"] / "encoder.ckpt").read_bytes())
    data[5000] ^= 1
    (tmp_path / "encoder.ckpt").write_bytes(data)
    for read in (read_folder_record, lambda folder: load_folder({"encoder": None}, folder)):
        with pytest.raises(InputError, match="encoder.ckpt is damaged, its checksum differs"):
            read(tmp_path)
