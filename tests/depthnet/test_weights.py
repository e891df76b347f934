"""Which entries of a file are CoarseNet's or FineNet's, and convert.py on PyTorch's files."""

import mindspore as ms
import numpy as np
import pytest

from depthnet.src.networks import CoarseNet, FineNet
from depthnet.src.weights import map_names
from tests.torch_files import save_torch


@pytest.fixture(scope="module")
def networks():
    return {"CoarseNet": CoarseNet(), "FineNet": FineNet()}


def values(network):
    return {p.name: p.asnumpy().copy() for p in network.get_parameters()}


@pytest.mark.parametrize("kind", ["CoarseNet", "FineNet"])
@pytest.mark.parametrize("prefix", ["", "net.", "network.coarse."])
def test_the_network_is_told_by_the_shapes(networks, kind, prefix):
    names = list(values(networks[kind]))
    source = {f"{prefix}{name}": array for name, array in values(networks[kind]).items()}
    found, mapped = map_names(source, networks)
    assert found == kind and mapped == {f"{prefix}{name}": name for name in names}


def test_entries_of_an_optimizer_and_of_other_shapes_belong_to_nothing(networks):
    source = {f"moment1.{name}": array for name, array in values(networks["FineNet"]).items()}
    source |= {"beta1_power": np.zeros(()), "xconv1.weight": np.zeros((63, 3, 9, 9))}
    source |= {"old.conv1.weight": np.zeros((63, 3, 7, 7)), **values(networks["FineNet"])}
    kind, mapped = map_names(source, networks)
    assert kind == "FineNet"
    assert {key for key, name in mapped.items() if name} == set(values(networks["FineNet"]))
    assert list(mapped) == list(source)


def test_of_two_entries_with_one_name_the_first_is_taken(networks):
    fine = values(networks["FineNet"])
    _, mapped = map_names({"a.conv3.weight": fine["conv3.weight"], **fine}, networks)
    assert mapped["a.conv3.weight"] == "conv3.weight" and mapped["conv3.weight"] is None


def test_a_pytorch_file_of_the_fine_net(networks, program, tmp_path):
    fine = values(networks["FineNet"])
    state = {"state_dict": {f"module.{name}": array for name, array in fine.items()}, "epoch": 3}
    save_torch(tmp_path / "fine.pth", state, is_legacy=True)
    paths = ["--source_path", tmp_path / "fine.pth", "--target_path", tmp_path / "fine.ckpt"]
    out, _ = program("depthnet").run("convert.py", *paths)
    assert "FineNet: 3 mapped, 0 missing, 0 left over" in out
    found = ms.load_checkpoint(str(tmp_path / "fine.ckpt"))
    assert sorted(found) == sorted(fine)
    for name, array in fine.items():
        np.testing.assert_array_equal(found[name].asnumpy(), array)


def test_weights_of_another_network(program, tmp_path):
    save_torch(tmp_path / "other.pth", {"layer.weight": np.zeros((2, 3), np.float32)})
    paths = ["--source_path", tmp_path / "other.pth", "--target_path", tmp_path / "out.ckpt"]
    line = program("depthnet").refuse("convert.py", *paths)
    assert "other.pth does not fit" in line and "CoarseNet or FineNet" in line
    assert not (tmp_path / "out.ckpt").exists()
