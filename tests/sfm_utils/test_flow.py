"""Flow files, colours and errors by hand, and files that cannot be."""

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import flow_evaluation, flow_files
from monodepth2.src.sfm_utils.flow_evaluation import FlowScore

FLOW = np.array([[[1.5, -2], [0, 0.25]], [[-3, 4], [511, -512]], [[1, 2], [3, 4]]], np.float32)


def test_flo_by_hand(tmp_path):
    path = tmp_path / "a" / "flow.flo"
    flow_files.write_flo(path, FLOW.astype(np.float64))
    data = path.read_bytes()
    assert data[:12] == b"PIEH" + bytes([2, 0, 0, 0, 3, 0, 0, 0])
    assert np.frombuffer(data[12:20], "<f4").tolist() == [1.5, -2]
    np.testing.assert_array_equal(flow_files.read_flo(path), FLOW)


@pytest.mark.parametrize(
    "change, what",
    [
        (lambda data: b"", "is no .flo file"),
        (lambda data: data[:8], "is no .flo file"),
        (lambda data: b"x" + data[1:], "is no .flo file"),
        (lambda data: data[:4] + b"\xff" * 4 + data[8:], "is no .flo file, or its header"),
        (lambda data: data[:4] + b"\xff\xff\xff\x7f" * 2 + data[12:], "is no .flo file, or its"),
        (lambda data: data[:4] + b"\0" * 4 + data[8:], "is no .flo file, or its header"),
        (lambda data: data[:-1], r"has 59 bytes, expected 60 \(2x3 flow\)"),
        (lambda data: data + b"1", "has 61 bytes, expected 60"),
    ],
)
def test_a_damaged_flo_is_named(tmp_path, change, what):
    path = tmp_path / "flow.flo"
    flow_files.write_flo(path, FLOW)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=f"flow.flo {what}"):
        flow_files.read_flo(path)
    with pytest.raises(InputError, match="none.flo is missing"):
        flow_files.read_flo(tmp_path / "none.flo")


def test_png_by_hand(tmp_path):
    path = tmp_path / "flow.png"
    valid = np.array([[1, 0], [1, 1], [1, 1]])
    flow_files.write_flow_png(path, FLOW, valid)
    blue_green_red = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert blue_green_red[0].tolist() == [[1, 32640, 32864], [0, 32784, 32768]]
    flow, known = flow_files.read_flow_png(path)
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(flow, FLOW * valid[..., None])


def test_png_truncates_and_cuts(tmp_path):
    path = tmp_path / "flow.png"
    flow = [[[1.99 / 64, -0.5 / 64], [600, -600], [np.nan, 0], [0, np.inf]]]
    flow_files.write_flow_png(path, flow)
    got, known = flow_files.read_flow_png(path)
    assert known.tolist() == [[True, True, False, False]]
    expected = [[1 / 64, -1 / 64], [511.984375, -512], [0, 0], [0, 0]]
    np.testing.assert_array_equal(got[0], expected)


def test_a_png_that_is_no_flow_is_named(tmp_path):
    path = tmp_path / "flow.png"
    for image in (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint16)):
        cv2.imwrite(str(path), image)
        with pytest.raises(InputError, match="flow.png: expected a flow, a PNG of 3 channels"):
            flow_files.read_flow_png(path)
    path.write_bytes(b"no image")
    with pytest.raises(InputError, match="flow.png: truncated, or not an image"):
        flow_files.read_flow_png(path)


def test_the_wheel():
    wheel = flow_files.color_wheel()
    assert wheel.shape == (55, 3)
    starts = [wheel[place].tolist() for place in (0, 15, 21, 25, 36, 49)]
    assert starts == [list(color) for color, _ in flow_files._WHEEL]
    assert wheel[1].tolist() == [255, 17, 0] and wheel[16].tolist() == [213, 255, 0]
    assert wheel[54].tolist() == [255, 0, 43]


def test_colors_of_directions():
    """Right is red, left green to blue; no motion is white; beyond the longest it darkens."""
    flow = np.array([[[2, 0], [-2, 0], [0, 0], [4, 0], [np.nan, 1], [1e8, 0]]], np.float32)
    right, left, none, far, bad, unknown = flow_files.flow_colors(flow, longest=2)[0].tolist()
    assert right[0] == 255 and max(right[1:]) < 60
    assert left[0] == 0 and left[1] + left[2] > 255
    assert none == [255, 255, 255]
    assert far == [191, *[int(0.75 * value) for value in right[1:]]]
    assert bad == unknown == [0, 0, 0]


def test_the_longest_flow_that_is_known_has_full_colour(tmp_path):
    flow = np.array([[[3, 4], [1.5, 2], [np.nan, 0], [0, 2e7]]], np.float32)
    own = flow_files.flow_colors(flow)
    np.testing.assert_array_equal(own, flow_files.flow_colors(flow, longest=5))
    assert own[0, 0].min() < own[0, 1].min()
    assert (flow_files.flow_colors(np.zeros((2, 2, 2))) == 255).all()
    flow_files.write_flow_colors(tmp_path / "flow.png", flow)
    got = cv2.imread(str(tmp_path / "flow.png"))[..., ::-1]
    np.testing.assert_array_equal(got, own)


def test_resizing_by_hand():
    flow = np.arange(8.0).reshape(2, 2, 2)
    got = flow_evaluation.resize_flow(flow, 2, 3)
    np.testing.assert_allclose(got[..., 0], [[0, 0, 3], [6, 6, 9]])  # columns 0, 0, 1 times 3 / 2
    np.testing.assert_allclose(got[..., 1], [[1, 1, 3], [5, 5, 7]])
    got = flow_evaluation.resize_flow(flow, 4, 2)
    np.testing.assert_allclose(got[:, 0], [[0, 2], [0, 2], [4, 10], [4, 10]])


def test_errors_by_hand():
    """Off by 3 (no outlier), 5 of 200 (2.5 %, none), 5 of 10 (one), and a pixel without truth."""
    target = np.array([[[10, 0], [200, 0], [0, 10], [0, 0]]], float)
    predicted = target + [[[0, 3], [3, 4], [3, -4], [99, 99]]]
    valid = np.array([[True, True, True, False]])
    score = flow_evaluation.score_flow(predicted, target, valid)
    assert score.epe == pytest.approx(13 / 3)
    assert score.accuracy == pytest.approx(2 / 3) and score.fl == pytest.approx(100 / 3)


def test_another_size_is_resized_first():
    target, valid = np.full((4, 6, 2), [3.0, 2.0]), np.ones((4, 6), bool)
    assert flow_evaluation.score_flow(np.ones((2, 2, 2)), target, valid).epe == 0


def test_what_cannot_be_scored_is_named():
    flow = np.zeros((2, 2, 2))
    with pytest.raises(InputError, match="000000: no pixel has a ground truth"):
        flow_evaluation.score_flow(flow, flow, np.zeros((2, 2), bool), "000000")
    with pytest.raises(InputError, match="000000: the predicted flow holds values that are not"):
        flow_evaluation.score_flow(flow + np.nan, flow, np.ones((2, 2), bool), "000000")


def test_lines():
    noc, occ = FlowScore(1.25, 0.5), FlowScore(2, 0.25)
    assert flow_evaluation.flow_line(7, noc, occ) == (
        "Flow 000007 Noc EPE = 1.2500 Noc ACC = 0.5000 Occ EPE = 2.0000 Occ ACC = 0.2500"
    )
    lines = flow_evaluation.flow_summary([noc, occ], [occ, occ])
    assert lines[0] == "Mean Noc EPE = 1.6250 " and lines[3] == "Mean Occ ACC = 0.2500 "
