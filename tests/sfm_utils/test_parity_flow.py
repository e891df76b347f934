"""Flow files, colours, resizing and errors equal GeoNet's."""

import json

import cv2
import numpy as np
import pytest

from monodepth2.src.sfm_utils import flow_evaluation, flow_files
from tests.golden_files import golden_dir

GEONET = golden_dir("geonet")
EXPECTED = json.loads((GEONET / "kitti_eval.json").read_text())["flow"]
IMAGES = range(3)


def arrays(*names):
    with np.load(GEONET / "kitti_eval.npz") as golden:
        return [golden[name] for name in names]


def stored(tmp_path, name, ending=".png"):
    """The bytes of a file in the goldens, as a file."""
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(arrays(name)[0].tobytes())
    return path


def test_flo_file(tmp_path):
    (flow,) = arrays("flow_pred0")
    path = stored(tmp_path, "flow_pred_flo0", ".flo")
    np.testing.assert_array_equal(flow_files.read_flo(path), flow)
    flow_files.write_flo(tmp_path / "ours.flo", flow)
    assert (tmp_path / "ours.flo").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("index", IMAGES)
def test_png_of_a_prediction(tmp_path, index):
    names = f"flow_pred{index}", f"flow_pred_png_decoded_bgr{index}"
    flow, decoded = arrays(*names)
    flow_files.write_flow_png(tmp_path / "ours.png", flow)
    got = cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(got, decoded)
    path = stored(tmp_path, f"flow_pred_png{index}")
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), decoded)


def test_png_of_ground_truth(tmp_path):
    flow, valid = flow_files.read_flow_png(stored(tmp_path, "flow_gt_occ_png0"))
    (expected,) = arrays("flow_read_gt0_f64")
    np.testing.assert_array_equal(np.dstack([flow, valid]), expected)


def test_colors():
    flow, expected = arrays("flow_pred0", "flow_color0")
    np.testing.assert_array_equal(flow_files.flow_colors(flow), expected)


def test_resizing(tmp_path):
    flow, valid = flow_files.read_flow_png(stored(tmp_path, "flow_pred_png0"))
    (expected,) = arrays("flow_resized0_f64")
    got = flow_evaluation.resize_flow(flow, *EXPECTED["gt_size_hw"])
    np.testing.assert_allclose(got, expected[..., :2], rtol=1e-12)
    assert valid.all() and (expected[..., 2] == 1).all()


def test_evaluation(tmp_path):
    names = "flow_metrics_noc_epe_noc_acc_occ_epe_occ_acc_f64"
    (expected,) = arrays(names)
    lines, scores = "", {"noc": [], "occ": []}
    for index, row in zip(IMAGES, expected):
        predicted, _ = flow_files.read_flow_png(stored(tmp_path, f"flow_pred_png{index}"))
        for kind, found in scores.items():
            path = stored(tmp_path, f"flow_gt_{kind}_png{index}")
            found.append(flow_evaluation.score_flow(predicted, *flow_files.read_flow_png(path)))
        both = [found[-1] for found in scores.values()]
        got = [number for score in both for number in (score.epe, score.accuracy)]
        np.testing.assert_allclose(got, row, rtol=1e-9)
        lines += flow_evaluation.flow_line(index, *both) + "\n"
    assert lines == EXPECTED["result_txt"]
    assert flow_evaluation.flow_summary(**scores) == EXPECTED["printed"]
    assert len(expected) == len(IMAGES)
