"""Which network a graph is, and what its sidecar tells the 310 program."""

import mindspore as ms
import numpy as np
import pytest

from depthnet.src import exporting
from depthnet.src.model_utils.errors import InputError
from depthnet.src.networks import CoarseNet, DepthNet, FineNet


def paths(folder):
    return [folder / f"Final{name}.ckpt" for name in ("CoarseNet", "FineNet")]


@pytest.mark.parametrize(("kind", "make"), [("coarse", CoarseNet), ("fine", FineNet)])
def test_a_graph_of_one_network_has_its_weights_and_needs_no_other_file(weights, kind, make):
    files = dict(zip(("coarse", "fine"), paths(weights)))
    given = {**dict.fromkeys(files, "nowhere.ckpt"), kind: files[kind]}
    net = exporting.load_graph_network(kind, given["coarse"], given["fine"])
    assert isinstance(net, make)
    for name, value in ms.load_checkpoint(str(files[kind])).items():
        got = {parameter.name: parameter for parameter in net.get_parameters()}[name]
        np.testing.assert_array_equal(got.asnumpy(), value.asnumpy())


def test_the_graph_of_both_has_both_weights(weights):
    net = exporting.load_graph_network("both", *paths(weights))
    assert isinstance(net, DepthNet)
    for part, path in zip((net.coarse, net.fine), paths(weights)):
        expected = ms.load_checkpoint(str(path))["conv1.weight"].asnumpy()
        np.testing.assert_array_equal(part.conv1.weight.asnumpy(), expected)


@pytest.mark.parametrize("absent", [0, 1])
def test_the_graph_of_both_needs_both_files(weights, absent):
    given = paths(weights)
    given[absent] = "nowhere.ckpt"
    with pytest.raises(InputError, match="nowhere.ckpt does not exist"):
        exporting.load_graph_network("both", *given)


def test_inputs_have_the_graphs_shapes():
    rgb, coarse = exporting.random_inputs("fine")
    assert rgb.shape == (1, 3, 228, 304) and coarse.shape == (1, 1, 55, 74)
    assert rgb.dtype == coarse.dtype == np.float32 and 0 <= rgb.min() < rgb.max() < 1
    for again, first in zip(exporting.random_inputs("fine"), (rgb, coarse)):
        np.testing.assert_array_equal(again, first)
    for kind in ("coarse", "both"):
        assert [array.shape for array in exporting.random_inputs(kind)] == [(1, 3, 228, 304)]


@pytest.mark.parametrize(
    ("kind", "sources", "meaning"),
    [
        ("coarse", ["image"], "log_depth"),
        ("fine", ["image", "previous_output"], "log_depth"),
        ("both", ["image"], "depth"),
    ],
)
def test_the_sidecar_tells_how_to_feed_a_graph(kind, sources, meaning):
    sidecar = exporting.sidecar(kind)
    assert (sidecar["format"], sidecar["model"], sidecar["graph"]) == (1, "depthnet", kind)
    assert [item["source"] for item in sidecar["inputs"]] == sources
    shapes = {"image": [1, 3, 228, 304], "previous_output": [1, 1, 55, 74]}
    assert [item["shape"] for item in sidecar["inputs"]] == [shapes[name] for name in sources]
    (output,) = sidecar["outputs"]
    assert output == {
        "name": meaning,
        "shape": [1, 1, 55, 74],
        "dtype": "float32",
        "meaning": meaning,
    }
    image = sidecar["image"]
    assert image["color_order"] == "RGB" and image["scale"] == pytest.approx(1 / 255)
    assert image["mean"] == [0, 0, 0] and image["std"] == [1, 1, 1]
    crop = {"reference_size": [480, 640], "top": 12, "left": 16, "height": 456, "width": 608}
    assert image["crop"] == crop
    resize = {"height": 228, "width": 304, "interpolation": "bilinear", "method": "exact"}
    assert image["resize"] == {**resize, "keep_aspect_ratio": False, "multiple_of": 1}
