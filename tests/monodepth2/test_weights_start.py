"""What encoders start from: a file of ImageNet's weights wherever it may lie, or random values."""

from pathlib import Path

import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import save_networks
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.networks import ResnetEncoder
from monodepth2.src.weights.start import start_networks
from tests.monodepth2.golden_networks import filled
from tests.monodepth2.weight_files import (
    SIZE,
    assert_det,
    det,
    networks,
    save,
    save_folder,
    save_tar,
    torch_entries,
)

NEW, OLD = "resnet18-f37072fd.pth", "resnet18-5c106cde.pth"


@pytest.fixture(scope="module")
def imagenet():
    """Torchvision's names with the values of the prefix encoder."""
    entries = torch_entries(networks("encoder")["encoder"], "encoder")
    return {key.removeprefix("encoder."): value for key, value in entries.items()}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home and working folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for key in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(key, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture
def encoder():
    return networks("encoder")["encoder"]


def put(path, entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, entries)
    return path


def first(network):
    return network.encoder.conv1.weight.asnumpy().copy()


@pytest.mark.parametrize("ending", [".pth", ".pt", ".h5", ".pdparams", ".ckpt"])
@pytest.mark.parametrize("given", ["without its ending", "with its ending"])
def test_a_path(tmp_path, imagenet, encoder, ending, given, capsys):
    path = tmp_path / f"RESNET18.v1{ending}"
    if ending == ".ckpt":
        save_networks({"encoder": filled(encoder, "encoder")}, path)
        networks("encoder")
    else:
        save(path, imagenet)
    start_networks(
        {"encoder": encoder}, str(path if given == "with its ending" else path.with_suffix(""))
    )
    assert_det(encoder, "encoder")
    assert capsys.readouterr().out == f"loading weight from {path}\n"


def test_of_several_endings_the_first(tmp_path, imagenet, encoder):
    (tmp_path / "r.ckpt").write_bytes(b"damaged")
    save(tmp_path / "r.pth", imagenet)
    start_networks({"encoder": encoder}, str(tmp_path / "r"))
    assert_det(encoder, "encoder")


def test_no_such_path(encoder):
    with pytest.raises(InputError) as error:
        start_networks({"encoder": encoder}, "~/RESNET18")
    tried = "nor with one of .pth, .pt, .h5, .pdparams, .ckpt added"
    assert f"home/RESNET18 does not exist, {tried}; give" in str(error.value)


PLACES = {
    "working folder": OLD,
    "torch 0.4": f"~/.torch/models/{OLD}",
    "torch 1.1": f"~/.cache/torch/checkpoints/{OLD}",
    "today": f"~/.cache/torch/hub/checkpoints/{NEW}",
    "the old name today": f"~/.cache/torch/hub/checkpoints/{OLD}",
}


@pytest.mark.parametrize("weights_init", ["auto", "pretrained"])
@pytest.mark.parametrize("place", PLACES)
def test_the_file_is_found(home, imagenet, encoder, place, weights_init, capsys):
    path = PLACES[place].replace("~", str(home))
    put(home.parent / "work" / path, imagenet)
    start_networks({"encoder": encoder}, weights_init)
    assert_det(encoder, "encoder")
    assert capsys.readouterr().out == f"loading weight from {path}\n"


@pytest.mark.parametrize(
    ("key", "folder"),
    [("TORCH_HOME", "hub/checkpoints"), ("XDG_CACHE_HOME", "torch/hub/checkpoints")],
)
def test_a_cache_elsewhere(tmp_path, monkeypatch, imagenet, encoder, key, folder):
    monkeypatch.setenv(key, str(tmp_path / "cache"))
    put(tmp_path / "cache" / folder / OLD, imagenet)
    start_networks({"encoder": encoder}, "pretrained")
    assert_det(encoder, "encoder")


@pytest.mark.parametrize("place", ["", "~/.cache/paddle/hapi/weights"])
def test_paddle_s_own_file(home, imagenet, encoder, place):
    put(home.parent / "work" / place.replace("~", str(home)) / "resnet18.pdparams", imagenet)
    start_networks({"encoder": encoder}, "paddle_pretrained")
    assert_det(encoder, "encoder")


def test_without_the_file_auto_says_which_one_and_starts_from_random_values(encoder, capsys):
    before = first(encoder)
    start_networks(networks("encoder", "pose_encoder"), "auto")
    np.testing.assert_array_equal(first(encoder), before)
    (line,) = capsys.readouterr().out.splitlines()
    assert f"{NEW} (ImageNet's weights) is neither in the working folder nor in" in line
    assert line.endswith("the encoders start from random values; --weights_init takes its path")


@pytest.mark.parametrize(
    ("weights_init", "layers", "name", "cache"),
    [
        ("pretrained", 18, NEW, "home/.cache/torch/hub/checkpoints"),
        ("pretrained", 50, "resnet50-0676ba61.pth", "home/.cache/torch/hub/checkpoints"),
        ("paddle_pretrained", 18, "resnet18.pdparams", "home/.cache/paddle/hapi/weights"),
    ],
)
def test_without_the_file_the_others_refuse(weights_init, layers, name, cache):
    with pytest.raises(InputError) as error:
        start_networks({"encoder": ResnetEncoder(layers)}, weights_init)
    line = str(error.value)
    assert line.startswith(f"weights_init {weights_init}: {name} (ImageNet's weights) is neither")
    assert f"{cache}; put it there, or give --weights_init FILE or scratch" in line


def test_scratch_takes_no_file_and_says_nothing(imagenet, encoder, capsys):
    encoder_file = put(Path(OLD), imagenet)
    before = first(encoder)
    start_networks({"encoder": encoder}, "scratch")
    np.testing.assert_array_equal(first(encoder), before)
    assert encoder_file.exists() and capsys.readouterr().out == ""


@pytest.mark.parametrize("images", [2, 3])
def test_the_first_convolution_of_stacked_images_is_repeated_and_divided(
    tmp_path, imagenet, images
):
    save(tmp_path / "r.pth", imagenet)
    encoder = networks("encoder")["encoder"]
    stacked = networks("pose_encoder")["pose_encoder"] if images == 2 else ResnetEncoder(18, images)
    start_networks({"encoder": encoder, "pose_encoder": stacked}, str(tmp_path / "r.pth"))
    assert_det(encoder, "encoder")
    one = det("encoder/encoder.conv1.weight", (64, 3, 7, 7), "weight")
    expected = np.concatenate([one] * images, 1) / np.float32(images)
    np.testing.assert_array_equal(first(stacked), expected)
    for ours, theirs in zip(stacked.get_parameters(), encoder.get_parameters()):
        if not ours.name.endswith("encoder.conv1.weight"):
            np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy(), err_msg=ours.name)


def test_the_tar_archive_that_the_old_name_stands_for(home, imagenet, encoder):
    entries = {k: v for k, v in imagenet.items() if not k.endswith("num_batches_tracked")}
    save_tar(home.parent / "work" / OLD, entries)
    start_networks({"encoder": encoder}, "pretrained")
    assert_det(encoder, "encoder")


def test_a_pose_encoder_s_own_weights_stay_as_they_are(tmp_path):
    stacked = networks("pose_encoder")["pose_encoder"]
    save(tmp_path / "r.pth", torch_entries(stacked, "pose_encoder"))
    start_networks({"pose_encoder": stacked}, str(tmp_path / "r.pth"))
    assert_det(stacked, "pose_encoder")


def test_a_file_of_another_depth(tmp_path, imagenet):
    save(tmp_path / "r.pth", imagenet)
    with pytest.raises(InputError, match="r.pth is an encoder of 18 layers, not 34; add --num_lay"):
        start_networks({"encoder": ResnetEncoder(34)}, str(tmp_path / "r"))


def test_encoders_that_come_from_a_folder_need_no_other_file(tmp_path, encoder, capsys):
    made = networks("encoder", "depth")
    folder = save_folder(tmp_path / "w", made, ".pth", **SIZE)
    start_networks(made, "auto", folder)
    assert "random" not in capsys.readouterr().out
    for name, network in made.items():
        assert_det(network, name)


def test_encoders_beside_those_of_a_folder_start_from_the_file(tmp_path, imagenet, encoder):
    folder = save_folder(tmp_path / "w", {"encoder": encoder}, ".pth", **SIZE)
    put(tmp_path / "work" / OLD, imagenet)
    made = networks("encoder", "pose_encoder")
    start_networks(made, "auto", folder, ["encoder", "depth"])
    assert_det(encoder, "encoder")
    one = det("encoder/encoder.conv1.weight", (64, 3, 7, 7), "weight")
    np.testing.assert_array_equal(first(made["pose_encoder"])[:, 3:], one / 2)
