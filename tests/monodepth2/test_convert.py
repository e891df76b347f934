"""convert.py: folders of other programs and single files become checkpoints, with a report."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.files import read_record
from monodepth2.src.networks import DepthDecoder, PoseCNN, PoseDecoder, ResnetEncoder
from monodepth2.src.weights import convert, load_folder, read_folder_record
from monodepth2.src.weights.reading import read_file
from tests.monodepth2.weight_files import (
    SIZE,
    assert_det,
    networks,
    save,
    save_folder,
    torch_entries,
)

CHANNELS = [64, 64, 128, 256, 512]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder of the PyTorch release, with Adam's state."""
    folder = save_folder(tmp_path_factory.mktemp("a") / "mono", networks(), ".pth", **SIZE)
    (folder / "adam.pth").write_bytes(b"anything")
    return folder


def test_the_command_converts_a_folder(release, tmp_path, warm_monodepth2):
    target = tmp_path / "ours"
    paths = ["--source_path", release, "--target_path", target]
    out, _ = warm_monodepth2.run("convert.py", *paths)
    assert f"{release}/encoder.pth: 100 mapped, 0 missing, 22 left over" in out
    assert "  left over: 20 num_batches_tracked" in out
    assert "  left over: encoder.fc.weight" in out and "  left over: encoder.fc.bias" in out
    assert f"{release}/adam.pth is another program's state of Adam and is not read" in out
    assert f"wrote {target}: encoder, depth, pose_encoder, pose of 18 layers, 96x64, stereo" in out
    made = networks()
    load_folder(made, target)
    for name, network in made.items():
        assert_det(network, name)
    record = read_folder_record(target)
    assert record == {**SIZE, "num_layers": 18, "metric_scale": 5.4, "source": "mono"}
    assert read_record(target / "depth.ckpt") == record
    line = warm_monodepth2.refuse("convert.py", *paths)
    assert line == f"error: target_path {target} exists; give the name of a new folder"


OTHERS = {
    "one scale": ("depth", lambda: DepthDecoder(CHANNELS, (0,))),
    "two scales": ("depth", lambda: DepthDecoder(CHANNELS, (0, 2))),
    "50 layers": ("depth", lambda: DepthDecoder([64, 256, 512, 1024, 2048])),
    "a mask": ("depth", lambda: DepthDecoder(CHANNELS, num_output_channels=3)),
    "shared encoder": ("pose", lambda: PoseDecoder(CHANNELS, 3)),
    "all poses at once": ("pose", lambda: PoseDecoder(CHANNELS, 1, 4)),
    "PoseCNN": ("pose", lambda: PoseCNN(3)),
    "three images": ("encoder", lambda: ResnetEncoder(18, 3)),
}


@pytest.mark.parametrize("case", OTHERS)
def test_networks_of_every_kind_are_told_by_their_shapes(tmp_path, case, capsys):
    name, build = OTHERS[case]
    source, target = tmp_path / "a.pdparams", tmp_path / "a.ckpt"
    network = build()
    save(source, torch_entries(network, name))
    convert(str(source), str(target))
    count = len(list(network.get_parameters()))
    assert f"wrote {target}: {name} with {count} parameters" in capsys.readouterr().out
    ms.load_param_into_net(network, ms.load_checkpoint(str(target)), strict_load=True)
    assert_det(network, name)
    record = read_record(target)
    assert record["source"] == "a.pdparams" and record["kind"] == name
    assert record.get("num_layers") == getattr(network, "num_layers", None)


def test_an_encoder_of_imagenet(tmp_path):
    entries = torch_entries(networks("encoder")["encoder"], "encoder")
    entries = {key.removeprefix("encoder."): value for key, value in entries.items()}
    save(tmp_path / "resnet18.h5", entries)
    convert(str(tmp_path / "resnet18.h5"), str(tmp_path / "resnet18.ckpt"))
    found = read_file(tmp_path / "resnet18.ckpt")
    assert len(found.arrays) == 100 and found.left_over == []
    np.testing.assert_array_equal(found.arrays["encoder.bn1.beta"], entries["bn1.bias"])


def test_wrong_paths(tmp_path, release, warm_monodepth2):
    file = release / "pose.pth"
    for source, target, message in (
        ("", "x", "source_path is missing; give it as --source_path PATH"),
        (file, "", "target_path is missing; give it as --target_path PATH"),
        (tmp_path / "no", "x.ckpt", "no does not exist"),
        (file, tmp_path / "x", f"x must end in .ckpt; {file} is one file"),
        (release, tmp_path / "x.ckpt", "give another"),
        (tmp_path, tmp_path / "x", "lacks encoder: it holds no network"),
    ):
        with pytest.raises(InputError, match=message):
            convert(str(source), str(target))
    assert not (tmp_path / "x").exists()
    assert "source_path is missing" in warm_monodepth2.refuse("convert.py")


def test_a_file_that_holds_no_network(tmp_path):
    save(tmp_path / "a.pth", {"head.weight": np.ones(3, np.float32)})
    with pytest.raises(InputError, match=r"a.pth holds head.weight; expected a ResNet, a depth or"):
        convert(str(tmp_path / "a.pth"), str(tmp_path / "a.ckpt"))


HUGE = {
    "encoder": {"encoder.conv1.weight": (1, 1 << 20)},
    "depth": {"decoder.0.conv.weight": (1, 1 << 20), "decoder.10.conv.weight": (1 << 20,)},
    "pose": {
        "net.0.weight": (1, 1 << 20),
        "net.1.weight": (1, 1 << 20),
        "net.3.weight": (1 << 20,),
    },
    "posecnn": {"net.0.weight": (1, 1 << 20), "pose_conv.weight": (1,)},
    "numbers": {"net.0.weight": (), "decoder.10.conv.weight": ()},
}


@pytest.mark.parametrize("case", HUGE)
def test_shapes_that_no_network_has(tmp_path, case):
    entries = {key: np.zeros(shape, np.float32) for key, shape in HUGE[case].items()}
    save(tmp_path / "a.pth", entries)
    with pytest.raises(InputError, match="a.pth (is of another network|holds no complete ResNet)"):
        convert(str(tmp_path / "a.pth"), str(tmp_path / "a.ckpt"))
    assert not (tmp_path / "a.ckpt").exists()
