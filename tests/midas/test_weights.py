"""Published weights: names beside the goldens' lists, convert.py, what training starts from."""

import json

import mindspore as ms
import numpy as np
import pytest

from midas.src import weights
from midas.src.model_utils.checkpoint import save_networks
from midas.src.model_utils.errors import InputError
from midas.src.model_utils.weights import read_weights, save_converted
from midas.src.networks import MidasNet
from tests.golden_files import golden_dir
from tests.golden_weights import det
from tests.torch_files import save_torch

KEYS = json.loads((golden_dir("midas") / "keys.json").read_text())
LAYERS, FEATURES, GROUPS = (1, 2, 1, 1), 8, 4
SMALL = ["--layers", *map(str, LAYERS), "--features", "8", "--groups", "4"]
SMALL += ["--width_per_group", "8"]


def small_net(layers=LAYERS, features=FEATURES):
    return MidasNet(layers, features, GROUPS, width_per_group=8)


def torch_name(name):
    """The PyTorch entry for a parameter: MindSpore's four BatchNorm names replaced."""
    for ours, theirs in (
        ("gamma", "weight"),
        ("beta", "bias"),
        ("moving_mean", "running_mean"),
        ("moving_variance", "running_var"),
    ):
        if name.endswith(f".{ours}"):
            return name[: -len(ours)] + theirs
    return name


def small_checkpoint():
    """A PyTorch state dict for the small network, as arrays."""
    found = {}
    for parameter in small_net().get_parameters():
        name = torch_name(parameter.name)
        found[name] = det(name, parameter.shape, "weight" if len(parameter.shape) > 1 else "bias")
    found["pretrained.layer1.1.num_batches_tracked"] = np.array(7)
    return found


def as_encoder(full):
    """The same in torchvision's names, with a classifier."""
    found = {"fc.bias": np.zeros(5, np.float32)}
    for name, value in full.items():
        for ours, theirs in (
            ("pretrained.layer1.0.", "conv1."),
            ("pretrained.layer1.1.", "bn1."),
            ("pretrained.layer1.4.", "layer1."),
            ("pretrained.", ""),
        ):
            if name.startswith(ours):
                found[theirs + name[len(ours) :]] = value
                break
    return found


def as_modelzoo(full):
    """The same in the zoo's names, by the golden map; every conv2 in the groups' pieces."""
    found = {}
    for name, value in full.items():
        target = KEYS["map_midas_v21_to_modelzoo"][name]
        if target is None:
            continue
        if "{" in target:
            for i, piece in enumerate(np.split(value, GROUPS)):
                found[target.replace("{0..31}", str(i))] = piece
        else:
            found[target] = value
    return found


def save_ckpt(path, arrays):
    items = [{"name": key, "data": ms.Tensor(value)} for key, value in arrays.items()]
    ms.save_checkpoint(items, str(path))


def convert(source, target, **options):
    """What convert.py does, for a small network."""
    arrays = read_weights(source)
    kind, names = weights.map_names(arrays, source)
    network = small_net(**options)
    part = network.pretrained if kind == weights.ENCODER_KIND else network
    paths = {"source_path": source, "target_path": target}
    save_converted(arrays, names, part, kind=kind, advice="set layers", **paths)
    return load(target)


def load(path):
    return {key: value.asnumpy() for key, value in ms.load_checkpoint(str(path)).items()}


@pytest.fixture(scope="module")
def full():
    return small_checkpoint()


def check(found, full, prefix):
    expected = [p.name for p in small_net().get_parameters() if p.name.startswith(prefix)]
    assert sorted(found) == sorted(expected)
    for name, value in found.items():
        np.testing.assert_array_equal(value, full[torch_name(name)], err_msg=name)


def test_every_published_name_has_its_parameter():
    """One parameter for each float of MiDaS v2.1 and back; the encoder's and the zoo's agree."""
    rename = {key: weights.from_torch_name(key) for key, *_ in KEYS["midas_v21"]}
    for key, name in rename.items():
        assert (name is None) == key.endswith("num_batches_tracked")
        zoo = KEYS["map_midas_v21_to_modelzoo"][key]
        if name is not None:
            assert torch_name(name) == key
            assert weights.from_modelzoo_name(zoo.replace("{0..31}", "17")) == name
    encoder = [weights.from_encoder_name(key) for key, *_ in KEYS["resnext101_32x8d"]]
    expected = [name for name in rename.values() if name and name.startswith("pretrained.")]
    assert [name for name in encoder if name] == expected
    assert all(weights.from_modelzoo_name(name) for name, *_ in KEYS["modelzoo"])


def test_names_that_belong_to_nothing():
    assert weights.from_encoder_name("fc.weight") is None
    assert weights.from_torch_name("optimizer.step") is None
    assert weights.from_modelzoo_name("moment1.backbone_bn.gamma") is None
    assert weights.from_modelzoo_name("backbone_layer4.2.bn3.num_batches_tracked") is None


@pytest.mark.parametrize("nested", [False, True])
def test_a_full_pytorch_checkpoint(nested, full, tmp_path, capsys):
    path = tmp_path / "model.bin"  # told by its content, not by its name
    content = {"model": full, "optimizer": {"state": {}}} if nested else full
    save_torch(path, content, is_legacy=not nested)  # the form of the 2019 file
    check(convert(path, tmp_path / "out.ckpt"), full, "")
    out = capsys.readouterr().out
    assert f"{len(full) - 1} mapped, 0 missing, 1 left over" in out
    assert "left over: pretrained.layer1.1.num_batches_tracked" in out


def test_an_encoder(full, tmp_path, capsys):
    save_torch(tmp_path / "a.pth", as_encoder(full))
    check(convert(tmp_path / "a.pth", tmp_path / "out.ckpt"), full, "pretrained.")
    out = capsys.readouterr().out
    assert "2 left over" in out
    assert "left over: fc.bias" in out


def test_a_modelzoo_checkpoint_with_split_convolutions(full, tmp_path, capsys):
    save_ckpt(tmp_path / "a.ckpt", as_modelzoo(full))
    check(convert(tmp_path / "a.ckpt", tmp_path / "out.ckpt"), full, "")
    assert "0 missing, 0 left over" in capsys.readouterr().out


def test_what_does_not_fit_is_refused_and_nothing_is_written(full, tmp_path, capsys):
    source, target = tmp_path / "a.ckpt", tmp_path / "out.ckpt"
    zoo = as_modelzoo(full)
    save_ckpt(source, zoo)
    with pytest.raises(InputError, match=r"layer1_rn.weight is \(8, 256, 3, 3\), expected \(16"):
        convert(source, target, features=16)
    with pytest.raises(InputError, match=r"layer2\.1\.\S+ is unexpected.* more; set layers"):
        convert(source, target, layers=(1, 1, 1, 1))
    with pytest.raises(InputError, match=r"layer3\.1\.\S+ is missing"):
        convert(source, target, layers=(1, 2, 2, 1))
    capsys.readouterr()
    save_ckpt(tmp_path / "b.ckpt", {k: v for k, v in zoo.items() if ".convs.2." not in k})
    with pytest.raises(InputError, match=r"conv2.weight is \(24, 8, 3, 3\), expected \(32"):
        convert(tmp_path / "b.ckpt", target)
    assert not target.exists()


def test_the_pieces_of_a_convolution_are_joined_by_their_numbers():
    pieces = {f"backbone_layer1.0.conv2.convs.{i}.weight": None for i in (10, 9, 0, 2)}
    _, names = weights.map_names(pieces, "zoo.ckpt")
    assert [name.split(".")[4] for name in names] == ["0", "2", "9", "10"]
    assert set(names.values()) == {"pretrained.layer1.4.0.conv2.weight"}


def test_files_of_another_kind_are_refused(tmp_path):
    target = tmp_path / "out.ckpt"
    others = [f"{name}.weight" for name in ("conv", "gate", "head", "stem")]
    save_ckpt(tmp_path / "other.ckpt", dict.fromkeys(others, np.zeros(3, np.float32)))
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "broken.pth").write_bytes(b"PK" + bytes(50))
    for name, message in (
        ("other.ckpt", "holds conv.weight, gate.weight, head.weight; expected names of one of"),
        ("text.ckpt", "not a MindSpore checkpoint"),
        ("absent.pth", "does not exist"),
        ("broken.pth", "truncated"),
    ):
        with pytest.raises(InputError, match=message):
            convert(tmp_path / name, target)


def test_commands(program, full, tmp_path):
    midas = program("midas")
    line = midas.refuse("convert.py", "--target_path", "x.ckpt")
    assert "source_path is missing" in line
    save_torch(tmp_path / "a.pth", full)
    out, _ = midas.run("src/utils/pth2ckpt.py", tmp_path / "a.pth", *SMALL)
    assert "wrote midas_pth.ckpt" in out
    check(load(midas.folder / "midas_pth.ckpt"), full, "")
    _, err = midas.run("src/utils/pth2ckpt.py", status=2)
    assert err.startswith("usage:")
    save_torch(tmp_path / "b.pth", as_encoder(full), is_legacy=True)
    paths = ["--source_path", tmp_path / "b.pth", "--target_path", tmp_path / "b.ckpt"]
    midas.run("convert.py", *paths, *SMALL)
    check(load(tmp_path / "b.ckpt"), full, "pretrained.")


def test_training_starts_from_random_values_from_an_encoder_or_from_all(full, tmp_path, capsys):
    network = small_net()
    before = network.pretrained.layer1[0].weight.asnumpy().copy()
    weights.start_weights(network, "")
    assert "starts from random values" in capsys.readouterr().out
    np.testing.assert_array_equal(network.pretrained.layer1[0].weight.asnumpy(), before)
    save_torch(tmp_path / "a.pth", as_encoder(full))
    convert(tmp_path / "a.pth", tmp_path / "encoder.ckpt")
    weights.start_weights(network, tmp_path / "encoder.ckpt")
    assert "the decoder's 42 parameters are random" in capsys.readouterr().out
    loaded = {p.name: p.asnumpy() for p in network.pretrained.get_parameters()}
    check(loaded, full, "pretrained.")
    save_networks({"midas": network}, tmp_path / "all.ckpt")
    weights.start_weights(network, tmp_path / "all.ckpt")
    assert "all.ckpt: all parameters" in capsys.readouterr().out


def test_training_does_not_start_from_a_part_of_an_encoder(full, tmp_path):
    path = tmp_path / "part.ckpt"
    save_ckpt(path, {"pretrained.layer1.1.gamma": full["pretrained.layer1.1.weight"]})
    message = "part.ckpt lacks 99 parameters of the encoder, such as pretrained.layer1.0.weight"
    with pytest.raises(InputError, match=message):
        weights.start_weights(small_net(), path)
