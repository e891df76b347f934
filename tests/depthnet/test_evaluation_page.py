"""The page of an evaluation: rivals, camera, pictures."""

import numpy as np
import pytest

from depthnet.src.evaluation.page import KINECT, camera_of, rivals, write_page
from depthnet.src.model_utils.report import ReportPlace
from depthnet.src.transforms import CROP, image_input
from tests.depthnet.test_evaluation import Images, evaluator
from tests.reports import read_report


def target(values):
    return np.float32(values)[None]


def test_rivals_are_the_mean_of_each_place_and_the_constant_of_least_relative_error():
    targets = [target([[1, 2], [4, 0]]), target([[3, 2], [4, 0]])]
    found = {name: np.exp(values) for name, values in rivals(targets).items()}
    np.testing.assert_allclose(found["mean map"], [[2, 2], [4, 0.1]], rtol=1e-6)
    # Unknown pixels count as 0.1 m, as in the metrics, and weigh most.
    np.testing.assert_allclose(found["constant"], np.full((2, 2), 0.1), rtol=1e-3)


def test_masked_rivals_do_not_see_unknown_pixels():
    targets = [target([[1, 2], [4, 0]]), target([[3, 2], [40, 0]])]
    found = {name: np.exp(values) for name, values in rivals(targets, mask_invalid=True).items()}
    np.testing.assert_allclose(found["mean map"][0], [2, 2], rtol=1e-6)
    assert found["mean map"][1, 0] == pytest.approx(7)  # 4 m and 10 m: the truth is cut there
    assert found["mean map"][1, 1] in (2, 7)  # the nearest known place
    assert found["constant"][0, 0] == pytest.approx(2, rel=1e-3)


def test_the_camera_of_a_cropped_and_shrunk_image():
    """A pixel of the full image, its ray by the Kinect's numbers, and where it lies after both."""
    u, v = 200, 300
    ray = (u - KINECT[2]) / KINECT[0], (v - KINECT[3]) / KINECT[1]
    full = np.zeros((480, 640, 3), np.float32)
    full[v - 3 : v + 4, u - 3 : u + 4] = 1
    top, left, height, width = CROP
    small = image_input(full[top : top + height, left : left + width])[0]
    rows, columns = np.nonzero(small > 0.5)
    fx, fy, cx, cy = camera_of(small.shape)
    assert (columns.mean() - cx) / fx == pytest.approx(ray[0], abs=0.5 / fx)
    assert (rows.mean() - cy) / fy == pytest.approx(ray[1], abs=0.5 / fy)


def test_a_page_leaves_out_what_was_not_scored(tmp_path):
    depths = [np.full((1, 3, 4), 5.0), np.full((1, 3, 4), 4.0), np.zeros((1, 3, 4))]
    data, loop = Images([0.5, 0.4, 0.1], depths), evaluator(mask_invalid=True)
    result = loop.evaluate(data)
    write_page(ReportPlace(tmp_path / "a.html", None), loop, data, result)
    report = read_report(tmp_path / "a.html")
    assert report.columns == ["fine", "coarse", "mean map", "constant"]
    rows = [float(cell) for cell in report.rows["abs_relative_loss"]]
    # 5 and 4 m: FineNet is twice too far; the mean of both is 4.5 m.
    assert rows[:3] == pytest.approx([1, 0, (0.5 / 5 + 0.5 / 4) / 2], abs=1e-3)
    assert report.images == 2 * 5 and "2 test images" in report.text
    assert "00002" not in report.text
