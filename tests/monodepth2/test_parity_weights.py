"""Monodepth2's golden files of weights ($GOLDEN_DIR/monodepth2/weights), equal without tolerance.

PyTorch wrote the .pth (both containers), Paddle the .pdparams, h5py the .h5; each holds a part of a
network of 18 layers.
"""

import hashlib
import json

import numpy as np
import pytest

from monodepth2.src.networks import DepthDecoder, PoseCNN, PoseDecoder, ResnetEncoder
from monodepth2.src.weights import names
from monodepth2.src.weights.fitting import fill, fitting
from monodepth2.src.weights.reading import read_file
from tests.monodepth2.golden_networks import GOLDEN, filled, torch_name
from tests.monodepth2.weight_files import assert_det

FOLDER = GOLDEN / "weights"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".json")
KEYS, DET, PADDLE = (
    json.loads((FOLDER / f"{name}.json").read_text())
    for name in ("state_dict_keys", "det_reference_resnet18", "paddle_state_dict_keys_resnet18")
)
# Prefix of the values' names: what the training recorded in the encoder's file.
RECORDS = {
    "": {"height": 192, "width": 640, "use_stereo": True},
    "heldout/": {"height": 320, "width": 1024, "use_stereo": False},
}
CHANNELS = {"resnet18": [64, 64, 128, 256, 512], "resnet50": [64, 256, 512, 1024, 2048]}
MAKERS = {
    "encoder": lambda model: ResnetEncoder(int(model[6:])),
    "pose_encoder": lambda model: ResnetEncoder(int(model[6:]), 2),
    "depth": lambda model: DepthDecoder(CHANNELS[model]),
    "predictive_mask_2src": lambda model: DepthDecoder(CHANNELS[model], num_output_channels=2),
    "pose": lambda model: PoseDecoder(CHANNELS[model], 1, 2),
    "pose_shared_pairs": lambda model: PoseDecoder(CHANNELS[model], 2),
}
NETWORKS = [(model, name) for model in CHANNELS for name in MAKERS]


def network_of(file):
    """(prefix, network of 18 layers) that a golden file holds a part of."""
    name = file.split("_")[0].split(".")[0]
    name = {"resnet18": "encoder"}.get(name, name)
    return name, MAKERS[name]("resnet18")


def parameters(network):
    return {parameter.name: parameter.asnumpy() for parameter in network.get_parameters()}


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_each_kind_holds_the_networks_values(file):
    found = read_file(FOLDER / file)
    name, network = network_of(file)
    values = {prefix: parameters(filled(network, f"{prefix}{name}")) for prefix in RECORDS}
    first = next(iter(found.arrays))
    prefix = next(p for p in values if np.array_equal(values[p][first], found.arrays[first]))
    for key, array in found.arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, values[prefix][key], err_msg=key)
    if set(found.arrays) == set(values[prefix]):
        fill(fitting(network, found))
        assert_det(network, f"{prefix}{name}")
    assert found.rest == (RECORDS[prefix] if "encoder" in file else {})
    for key in found.left_over:
        assert key.endswith("num_batches_tracked") or key in ("fc.weight", "fc.bias")


def check_names(listed, network):
    """The listed (key, shape, ...) map to the network's parameters, no more and no less."""
    mapped = {}
    for key, shape, *_ in listed:
        name = names.parameter_name(key)
        assert name not in mapped
        if name is not None:
            mapped[name] = tuple(shape)
    assert mapped == {name: value.shape for name, value in parameters(network).items()}


@pytest.mark.parametrize(("model", "name"), NETWORKS)
def test_every_key_of_the_pytorch_networks_has_its_parameter(model, name):
    check_names(KEYS[model][name], MAKERS[name](model))


def test_every_key_of_pytorch_s_posecnn_has_its_parameter():
    check_names(KEYS["posecnn_2"]["pose"], PoseCNN(2))


@pytest.mark.parametrize("name", PADDLE)
def test_every_key_of_the_paddle_networks_has_its_parameter(name):
    check_names(PADDLE[name], MAKERS[name]("resnet18"))


@pytest.mark.parametrize("model", CHANNELS)
def test_the_layers_are_told_by_the_names(model):
    mapped = {names.parameter_name(key) for key, *_ in KEYS[model]["encoder"]} - {None}
    assert names.count_layers(mapped) == int(model[6:])
    assert CHANNELS[model] == KEYS[model]["num_ch_enc"]


def checksum(array):
    return hashlib.sha256(array.astype("<f4").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", ["encoder", "depth", "pose_encoder", "pose"])
def test_networks_have_the_reference_s_values(name):
    """The goldens' own check of the deterministic values, through our names."""
    prefix = next(prefix for prefix in (f"heldout/{name}/", f"{name}/") if any_starts(prefix))
    found = {}
    for key, array in parameters(filled(MAKERS[name]("resnet18"), prefix[:-1])).items():
        found[prefix + torch_name(key)[0]] = list(array.shape), checksum(array)
    expected = {
        key: (facts["shape"], facts["sha256_f32le_16"])
        for key, facts in DET.items()
        if key.startswith(prefix) and ".fc." not in key and not key.endswith("_tracked")
    }
    assert found == expected


def any_starts(prefix):
    return any(key.startswith(prefix) for key in DET)
