"""Published weights: the name rules beside the goldens' lists, and convert.py on small files."""

import builtins
import json
import sys

import mindspore as ms
import numpy as np
import pytest

from midas.src import weights
from midas.src.model_utils.config import load_config
from midas.src.model_utils.errors import InputError
from midas.src.networks import MidasNet
from tests.conftest import REPOSITORY
from tests.golden_files import golden_dir
from tests.golden_weights import det

KEYS = json.loads((golden_dir("midas") / "keys.json").read_text())
LAYERS, FEATURES, GROUPS = (1, 2, 1, 1), 8, 4
SMALL = ["--layers", *map(str, LAYERS), "--features", "8", "--groups", "4"]
SMALL += ["--width_per_group", "8"]


def small_net():
    return MidasNet(LAYERS, FEATURES, GROUPS, width_per_group=8)


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


def save_torch(path, arrays):
    torch = pytest.importorskip("torch")
    torch.save({key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}, path)


def save_ckpt(path, arrays):
    items = [{"name": key, "data": ms.Tensor(value)} for key, value in arrays.items()]
    ms.save_checkpoint(items, str(path))


def convert(source, target, *flags):
    argv = ["--source_path", str(source), "--target_path", str(target), *SMALL, *flags]
    weights.convert(load_config(REPOSITORY / "midas" / "config.yaml", argv))
    return {key: value.asnumpy() for key, value in ms.load_checkpoint(str(target)).items()}


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
    torch = pytest.importorskip("torch")
    path = tmp_path / "model.bin"  # told by its content, not by its name
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in full.items()}
    # The old form is that of the 2019 file.
    torch.save(
        {"model": tensors, "optimizer": {"state": {}}} if nested else tensors,
        path,
        _use_new_zipfile_serialization=nested,
    )
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
        convert(source, target, "--features", "16")
    with pytest.raises(InputError, match=r"layer2\.1\.\S+ has no place"):
        convert(source, target, "--layers", "1", "1", "1", "1")
    with pytest.raises(InputError, match=r"layer3\.1\.\S+ is missing"):
        convert(source, target, "--layers", "1", "2", "2", "1")
    capsys.readouterr()
    save_ckpt(tmp_path / "b.ckpt", {k: v for k, v in zoo.items() if ".convs.2." not in k})
    with pytest.raises(InputError, match=r"conv2.weight is \(24, 8, 3, 3\), expected \(32"):
        convert(tmp_path / "b.ckpt", target)
    assert not target.exists()


def test_files_of_another_kind_are_refused(tmp_path):
    target = tmp_path / "out.ckpt"
    save_ckpt(tmp_path / "other.ckpt", {"conv.weight": np.zeros(3, np.float32)})
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "broken.pth").write_bytes(b"PK" + bytes(50))
    for name, message in (
        ("other.ckpt", "holds conv.weight; expected names of one of these"),
        ("text.ckpt", "not a MindSpore checkpoint"),
        ("absent.pth", "does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            convert(tmp_path / name, target)
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="truncated"):
        convert(tmp_path / "broken.pth", target)
    with pytest.raises(InputError, match="must end in .ckpt"):
        convert(tmp_path / "other.ckpt", tmp_path / "out.npz")


class Payload:
    """Unpickling this would create the file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_file_does_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"pretrained.layer1.0.weight": Payload(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="more than weights"):
        weights.read_weights(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_without_torch_there_is_one_clear_line(tmp_path, monkeypatch):
    (tmp_path / "a.pth").write_bytes(b"PK" + bytes(50))
    original = builtins.__import__

    def absent(name, *rest):
        if name == "torch":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match="needs PyTorch to be read: pip install torch"):
        weights.read_weights(tmp_path / "a.pth")


def test_commands(program, full, tmp_path):
    midas = program("midas")
    line = midas.refuse("convert.py", "--target_path", "x.ckpt")
    assert "source_path is missing" in line
    save_ckpt(tmp_path / "a.ckpt", as_modelzoo(full))
    out, _ = midas.run("src/utils/pth2ckpt.py", tmp_path / "a.ckpt", *SMALL)
    assert "wrote midas_pth.ckpt" in out
    found = ms.load_checkpoint(str(midas.folder / "midas_pth.ckpt"))
    check({key: value.asnumpy() for key, value in found.items()}, full, "")
    _, err = midas.run("src/utils/pth2ckpt.py", status=2)
    assert err.startswith("usage:")
