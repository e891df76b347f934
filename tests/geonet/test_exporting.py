"""What is exported: which graphs, their sidecars, their inputs."""

import numpy as np
import pytest

from geonet.src import exporting
from geonet.src.evaluation.model import Facts, Model
from geonet.src.exporting import graphs_of, random_inputs, sidecar
from geonet.src.model_utils.errors import InputError
from geonet.src.networks.serving import DepthGraph, DirectFlowGraph, FlowGraph, PoseGraph
from tests.geonet.small_networks import RECORD, save_small, small_networks

GIVEN = Facts(128, 416, 3, "vgg", False, "residual")
ALL = ["depth_net", "pose_net", "flow_net"]
KINDS = {"depth": DepthGraph, "pose": PoseGraph, "rigid_flow": FlowGraph, "flow": FlowGraph}


def model_of(tmp_path, names, **options):
    path = save_small(tmp_path / "model-700.ckpt", names, **options)
    return Model(path, GIVEN, 1, "O0", None)


@pytest.mark.parametrize(
    ("names", "flownet_type", "graphs"),
    [
        (ALL, "residual", ["depth", "pose", "rigid_flow", "flow"]),
        (ALL[:2], "residual", ["depth", "pose", "rigid_flow"]),
        (ALL[1:2], "residual", ["pose"]),
        (ALL[2:], "direct", ["flow"]),
        (ALL[2:], "residual", []),
    ],
)
def test_what_weights_allow(tmp_path, monkeypatch, capsys, names, flownet_type, graphs):
    model = model_of(tmp_path, names, flownet_type=flownet_type)
    monkeypatch.setattr(exporting, "load", lambda weights, names: small_networks(names))
    found = graphs_of(model, 2)
    assert [graph.name for graph in found] == graphs
    for graph in found:
        kind = DirectFlowGraph if flownet_type == "direct" else KINDS[graph.name]
        assert type(graph.cell) is kind and not graph.cell.training
        shapes = [tuple(port["shape"]) for port in graph.sidecar["inputs"]]
        assert [one.shape for one in graph.inputs] == shapes and shapes[0] == (2, 3, 64, 128)
    missing = [name for name in KINDS if name not in graphs]
    said = f"model-700.ckpt has no networks for {', '.join(missing)}\n"
    assert (said in capsys.readouterr().out) is bool(missing)


def test_parameters_of_several_networks_have_distinct_names(tmp_path, monkeypatch):
    networks = small_networks(ALL)
    monkeypatch.setattr(exporting, "load", lambda weights, names: networks)
    graphs_of(model_of(tmp_path, ALL), 1)
    names = [p.name for network in networks.values() for p in network.get_parameters()]
    assert len(set(names)) == len(names) and "flow_net.weight0" in names


def test_flow_leads_to_the_frame_after_the_target(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "load", lambda weights, names: small_networks(names))
    for length, source in ((3, 1), (5, 2)):
        model = model_of(tmp_path, ALL, seq_length=length)
        *_, rigid, full = graphs_of(model, 1)
        assert rigid.cell.network.source == full.cell.network.pyramid.source == source
        ports = {port["name"]: port for port in full.sidecar["inputs"]}
        assert ports[f"source_{source}"]["frame"] == 1
        assert rigid.cell.network.scale_normalize is RECORD["scale_normalize"]


def test_more_frames_than_a_graph_takes_are_told(tmp_path):
    with pytest.raises(InputError, match="is of seq_length 7; a graph takes 5 frames at most"):
        graphs_of(model_of(tmp_path, ALL, seq_length=7), 1)


def test_a_size_that_does_not_suit_the_networks_is_told(tmp_path):
    with pytest.raises(InputError, match="img_height 72 is no multiple of 16"):
        graphs_of(model_of(tmp_path, ALL[:2], record={"img_height": 72}), 1)


def test_the_sidecar_of_depth():
    """As ascend310_infer reads it; every word and number of it has a meaning there."""
    found = sidecar("depth", 1, GIVEN._replace(img_height=32, img_width=64))
    assert (found["format"], found["model"], found["graph"]) == (1, "geonet", "depth")
    port = {"dtype": "float32", "shape": [1, 3, 32, 64], "layout": "NCHW", "source": "image"}
    assert found["inputs"] == [{"name": "image", "frame": 0, **port}]
    how = found["image"]
    assert (how["color_order"], how["crop"]) == ("RGB", None)
    values = np.arange(256, dtype=np.float32) * np.float32(how["scale"])
    values = (values - np.float32(how["mean"][0])) / np.float32(how["std"][0])
    np.testing.assert_array_equal(
        values, np.arange(256, dtype=np.float32) * np.float32(2 / 255) - 1
    )
    assert values[0] == -1 and values[255] == 1 and how["mean"] == how["std"] == [1, 1, 1]
    size = {"height": 32, "width": 64, "interpolation": "pillow_lanczos", "method": "exact"}
    assert how["resize"] == {**size, "keep_aspect_ratio": False, "multiple_of": 1}
    output = {"name": "depth", "dtype": "float32", "shape": [1, 1, 32, 64], "meaning": "depth"}
    assert found["outputs"] == [output]


def test_the_sidecar_of_poses():
    found = sidecar("pose", 2, GIVEN._replace(seq_length=5))
    ports = [(one["name"], one["frame"], one["shape"][0]) for one in found["inputs"]]
    sources = [("source_0", -2, 2), ("source_1", -1, 2), ("source_2", 1, 2), ("source_3", 2, 2)]
    assert ports == [("image", 0, 2), *sources]
    pairs = [[0, -2], [0, -1], [0, 1], [0, 2]]
    pose = {"rotation": "euler_xyz", "layout": "translation_rotation", "pairs": pairs}
    output = {"name": "pose", "dtype": "float32", "shape": [2, 4, 6], "meaning": "pose"}
    assert found["outputs"] == [{**output, "pose": pose}]
    assert found["image"]["resize"]["interpolation"] == "pillow_bilinear"


@pytest.mark.parametrize("name", ["rigid_flow", "flow"])
def test_the_sidecar_of_flow(name):
    found = sidecar(name, 1, GIVEN)
    ports = [(one["name"], one["source"], one.get("frame")) for one in found["inputs"]]
    cameras = [("K", "intrinsics", None), ("inv_K", "inverse_intrinsics", None)]
    sources = [("source_0", "image", -1), ("source_1", "image", 1)]
    assert ports == [("image", "image", 0), *cameras, *sources]
    assert found["inputs"][1]["shape"] == [1, 3, 3]
    output = {"name": "flow", "dtype": "float32", "shape": [1, 2, 128, 416], "meaning": "flow"}
    assert found["outputs"] == [output]


def test_the_sidecar_of_direct_flow_asks_for_no_camera():
    found = sidecar("flow", 1, GIVEN._replace(flownet_type="direct"))
    ports = [(one["name"], one["frame"]) for one in found["inputs"]]
    assert ports == [("image", 0), ("source_0", 1)]


def test_random_inputs_are_those_of_a_network_and_always_the_same():
    described = sidecar("flow", 2, GIVEN._replace(img_height=32, img_width=64))
    image, K, inv_K, *sources = random_inputs(described)
    assert image.dtype == K.dtype == np.float32 and image.shape == (2, 3, 32, 64)
    assert -1 <= image.min() < -0.99 and 0.99 < image.max() <= 1 and (image != sources[0]).any()
    np.testing.assert_allclose(K @ inv_K, np.tile(np.eye(3), (2, 1, 1)), atol=1e-5)
    assert K[0, 0, 2] == 32 and K[0, 1, 2] == 16
    np.testing.assert_array_equal(image, random_inputs(described)[0])
