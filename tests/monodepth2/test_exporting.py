"""What is exported: which graphs, their sidecars, their inputs, an ELU that ONNX knows."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from monodepth2.src.exporting import SplitElu, graphs_of, random_images, sidecar, use_split_elu
from monodepth2.src.model_utils.cpu_forms import use_plain_forms
from monodepth2.src.model_utils.device import Device
from monodepth2.src.weights import read_folder_record
from tests.monodepth2.golden_networks import arrays, image

CPU = Device("CPU")


@pytest.fixture(scope="module")
def weights(golden_folder):
    """A folder of weights as a training leaves them, at the goldens' size."""
    return golden_folder


def test_the_exported_forms_are_equal_to_the_goldens(weights):
    """Plain convolutions and the split ELU, as the files have them."""
    graphs = graphs_of(weights, read_folder_record(weights), 2, CPU)
    assert [graph.name for graph in graphs] == ["depth", "pose"]
    for graph in graphs:
        use_plain_forms(graph.cell)
        use_split_elu(graph.cell)
    seen = [image(arrays("inputs.npz"), frame, "color_aug") for frame in ("0", "p1")]
    disparity = graphs[0].cell(seen[0]).asnumpy()
    expected = 0.01 + 9.99 * arrays("depth.npz")["r18_eval_disp0"]
    np.testing.assert_allclose(disparity, expected, rtol=0, atol=2e-4)
    pose = graphs[1].cell(*seen).asnumpy()[:, 0, :3]
    golden = arrays("pose.npz")["sep_r18_eval_p1_axisangle"][:, 0, 0]
    np.testing.assert_allclose(pose, golden, rtol=0, atol=1e-6)
    for graph, outputs in zip(graphs, ([2, 1, 96, 160], [2, 1, 6])):
        assert graph.sidecar["outputs"][0]["shape"] == outputs
        assert [one.shape for one in graph.inputs] == [(2, 3, 96, 160)] * len(graph.inputs)


def test_without_a_pose_network_depth_alone_is_exported(weights, tmp_path, capsys):
    for name in ("encoder", "depth"):
        (tmp_path / f"{name}.ckpt").write_bytes((weights / f"{name}.ckpt").read_bytes())
    (graph,) = graphs_of(tmp_path, read_folder_record(tmp_path), 1, CPU)
    assert graph.name == "depth"
    assert "depth alone is exported" in capsys.readouterr().out


def test_random_images_are_those_of_a_network_and_always_the_same():
    first, second = random_images("pose", 2, 32, 64)
    assert first.shape == (2, 3, 32, 64) and first.dtype == np.float32
    assert 0 <= first.min() < 0.01 and 0.99 < first.max() <= 1 and (first != second).any()
    np.testing.assert_array_equal(first, random_images("depth", 2, 32, 64)[0])


def test_the_sidecar_of_disparity():
    """As ascend310_infer reads it; every word and number of it has a meaning there."""
    found = sidecar("depth", 1, 32, 64, 5.4)
    assert (found["format"], found["model"], found["graph"]) == (1, "monodepth2", "depth")
    port = {"dtype": "float32", "shape": [1, 3, 32, 64], "layout": "NCHW", "source": "image"}
    assert found["inputs"] == [{"name": "image", "frame": 0, **port}]
    how = found["image"]
    assert (how["color_order"], how["crop"], 255 * how["scale"]) == ("RGB", None, 1)
    assert (how["mean"], how["std"]) == ([0, 0, 0], [1, 1, 1])
    size = {"height": 32, "width": 64, "interpolation": "pillow_lanczos", "method": "exact"}
    assert how["resize"] == {**size, "keep_aspect_ratio": False, "multiple_of": 1}
    output = {"name": "disparity", "dtype": "float32", "shape": [1, 1, 32, 64]}
    assert found["outputs"] == [{**output, "meaning": "disparity", "metric_scale": 5.4}]
    assert "metric_scale" not in sidecar("depth", 1, 32, 64, None)["outputs"][0]


def test_the_sidecar_of_poses():
    found = sidecar("pose", 1, 32, 64, 5.4)
    ports = [(one["name"], one["frame"], one["source"]) for one in found["inputs"]]
    assert ports == [("image", 0, "image"), ("after", 1, "image")]
    pose = {"rotation": "axis_angle", "layout": "rotation_translation", "pairs": [[0, 1]]}
    output = {"name": "pose", "dtype": "float32", "shape": [1, 1, 6], "meaning": "pose"}
    assert found["outputs"] == [{**output, "pose": pose, "metric_scale": 5.4}]


def test_the_split_elu_is_elu():
    x = ms.Tensor(np.float32([-100, -3, -1e-3, -1e-7, 0, 1e-7, 2, 1e4]))
    np.testing.assert_allclose(SplitElu()(x).asnumpy(), nn.ELU()(x).asnumpy(), atol=1e-6)


def test_every_elu_is_replaced_and_nothing_else():
    class Part(nn.Cell):
        def __init__(self):
            super().__init__()
            self.elu, self.relu = nn.ELU(), nn.ReLU()

    whole = nn.SequentialCell(Part(), Part())
    use_split_elu(whole)
    kinds = [type(cell).__name__ for _, cell in whole.cells_and_names()]
    assert kinds.count("SplitElu") == kinds.count("ReLU") == 2 and "ELU" not in kinds
