"""ONNX graphs in place of the network: known numbers, and graphs that do not fit."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from midas.src.evaluation.onnx import onnx_predict
from midas.src.model_utils.errors import InputError


def write_graph(path, inputs=("image",), outputs=("depth",), operator="ReduceMean"):
    """A graph whose outputs are each the mean of the channels of all its inputs' sum."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("Sum", inputs, ["sum"])]
    nodes += [helper.make_node(operator, ["sum"], [out], axes=[1], keepdims=0) for out in outputs]
    graph = helper.make_graph(
        nodes,
        "midas",
        [helper.make_tensor_value_info(name, kind, [1, 3, 2, 4]) for name in inputs],
        [helper.make_tensor_value_info(name, kind, [1, 2, 4]) for name in outputs],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return str(path)


def test_a_graph_predicts_as_a_network_does(tmp_path):
    pytest.importorskip("onnxruntime")
    predict = onnx_predict(write_graph(tmp_path / "mean.onnx"))
    images = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)
    # Channels are 8 apart, so that the mean is the middle one.
    np.testing.assert_array_equal(predict(images), np.arange(8, 16).reshape(1, 2, 4))


def test_images_of_another_size_are_refused_with_the_flags_that_export_it(tmp_path):
    pytest.importorskip("onnxruntime")
    predict = onnx_predict(write_graph(tmp_path / "mean.onnx"))
    for shape in ((1, 3, 4, 2), (2, 3, 2, 4)):
        text = rf"mean.onnx takes \[1, 3, 2, 4\], got \[{str(shape)[1:-1]}\]; .*--img_height"
        with pytest.raises(InputError, match=text):
            predict(np.zeros(shape, np.float32))


def test_a_graph_of_two_inputs_is_none_of_midas(tmp_path):
    pytest.importorskip("onnxruntime")
    path = write_graph(tmp_path / "two.onnx", inputs=("left", "right"))
    with pytest.raises(InputError, match="two.onnx: 2 inputs and 1 outputs, expected one of each"):
        onnx_predict(path)


def stand_in(monkeypatch, run, inputs=1, outputs=1):
    """An onnxruntime whose graphs have so many inputs and outputs and are computed by `run`."""
    source = SimpleNamespace(name="image", shape=[1, 3, 2, 4])
    session = SimpleNamespace(
        get_inputs=lambda: [source] * inputs, get_outputs=lambda: [source] * outputs, run=run
    )
    runtime = SimpleNamespace(
        InferenceSession=lambda path, providers: session, get_available_providers=list
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 1), (1, 0), (2, 0)])
def test_a_graph_without_an_input_or_an_output_is_refused(monkeypatch, inputs, outputs):
    stand_in(monkeypatch, None, inputs, outputs)
    text = f"odd.onnx: {inputs} inputs and {outputs} outputs"
    with pytest.raises(InputError, match=text):
        onnx_predict("odd.onnx")


def test_the_first_output_is_the_map_and_the_image_goes_to_the_input_by_name(monkeypatch):
    image, calls = np.ones((1, 3, 2, 4), np.float32), []

    def run(names, feeds):
        calls.append((names, feeds))
        return ["map", "something else"]

    stand_in(monkeypatch, run, outputs=2)
    assert onnx_predict("net.onnx")(image) == "map"
    names, feeds = calls[0]
    assert names is None and list(feeds) == ["image"] and feeds["image"] is image


def test_a_graph_that_fails_while_it_runs_is_named(monkeypatch):
    def run(names, feeds):
        raise RuntimeError("bad\nnode")

    stand_in(monkeypatch, run)
    with pytest.raises(InputError, match="net.onnx cannot be run: bad.*; export it again"):
        onnx_predict("net.onnx")(np.zeros((1, 3, 2, 4), np.float32))


def test_a_file_that_is_no_graph_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match="no.onnx: no ONNX graph: "):
        onnx_predict(str(tmp_path / "no.onnx"))


def test_without_onnxruntime_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="need onnxruntime: pip install onnxruntime"):
        onnx_predict("net.onnx")
