"""What reports show of depth and motion: rivals, pictures, cameras."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.images import read_rgb
from monodepth2.src.model_utils.report import Page
from monodepth2.src.sfm_utils.calibration import read_raw_calibration
from monodepth2.src.sfm_utils.depth_evaluation import EIGEN_BENCHMARK, GEONET_EIGEN, score_depth
from monodepth2.src.sfm_utils.intrinsics import Intrinsics
from monodepth2.src.sfm_utils.kitti import KittiRaw
from monodepth2.src.sfm_utils.lists import Frame
from monodepth2.src.sfm_utils.report_parts import (
    DepthResults,
    add_depth,
    add_motion,
    dots,
    in_two_rows,
    raw_camera,
    rival_metrics,
    straight_path,
)
from tests.reports import read_report
from tests.synthetic.__main__ import main as render

METRIC = replace(EIGEN_BENCHMARK, median=False)


def targets():
    """Three maps of 24x80: one mean map explains them but for their own depth of the right half."""
    maps = np.full((3, 24, 80), 4.0, np.float32)
    maps[:, :, 40:] = np.array([8, 10, 12], np.float32)[:, None, None]
    maps[0, :2] = 0  # unknown
    return list(maps)


def test_rivals_are_scored_as_predictions_are():
    found = rival_metrics(3, targets().__getitem__, METRIC)
    mean = np.mean([np.abs(4 - 4), 0])  # the left half is known exactly
    right = [abs(10 - depth) / depth for depth in (8, 10, 12)]
    assert found["mean map"]["abs_rel"] == pytest.approx(mean + np.mean(right) / 2, abs=2e-3)
    # Of 4 m half of the time and 8 to 12 m else, 4 m has the least relative error.
    constant = [abs(4 - depth) / depth / 2 for depth in (8, 10, 12)]
    assert found["constant"]["abs_rel"] == pytest.approx(np.mean(constant), abs=2e-3)
    assert set(found["constant"]) == set(found["mean map"])


def test_a_factor_of_the_predictions_and_their_kind_do_not_touch_the_rivals():
    plain = rival_metrics(3, targets().__getitem__, METRIC)
    other = replace(METRIC, factor=5.4, resizes="disparity")
    assert rival_metrics(3, targets().__getitem__, other) == plain


def results(folder, protocol=METRIC, factor=1.0):
    """DepthResults of `targets`: right, but for the second image, which is 10 % too far."""
    maps, paths = targets(), []
    for number in range(3):
        paths.append(folder / f"{number}.png")
        cv2.imwrite(str(paths[-1]), np.full((24, 80, 3), (250, 20 * number, 10), np.uint8))
    depths = [np.where(one > 0, one, 4) / factor for one in maps]
    depths[1] = 1.1 * depths[1]
    kind = protocol.resizes
    predictions = np.stack([1 / one if kind == "disparity" else one for one in depths])
    scores = [score_depth(one, target, protocol) for one, target in zip(predictions, maps)]

    def camera(number, size):
        return Intrinsics(40, 40, 39.5, 11.5, size[1], size[0])

    return DepthResults(paths, list("abc"), maps.__getitem__, predictions, scores, protocol, camera)


@pytest.mark.parametrize("protocol", [METRIC, replace(METRIC, factor=5.4), EIGEN_BENCHMARK])
def test_the_depth_shown_is_the_one_that_was_scored(tmp_path, protocol):
    found = results(tmp_path, protocol, protocol.factor)
    expected = targets()[2]
    np.testing.assert_allclose(found.depth(2, (24, 80)), expected, rtol=1e-5)


def test_a_picture_has_the_image_both_maps_and_the_error(tmp_path):
    picture = results(tmp_path).picture(0)
    assert [title for title, _ in picture.tiles] == [
        "image",
        "prediction",
        "ground truth",
        "abs rel, up to 0.5",
    ]
    assert {tile.shape for _, tile in picture.tiles} == {(192, 640, 3)}
    image, predicted, truth, error = (np.int32(tile) for _, tile in picture.tiles)
    np.testing.assert_array_equal(image[100, 100], (10, 0, 250))
    assert np.abs(predicted[100, 100] - truth[100, 100]).max() < 8
    assert not truth[2].any() and predicted[2].any()  # unknown there
    off = np.int32(results(tmp_path).picture(1).tiles[3][1])
    assert error[100, 100].sum() < 10 < off[100, 100].sum()
    assert in_two_rows(picture).shape == (2 * (192 + 48), 1280, 3)


def test_dots_are_larger_than_points_and_black_elsewhere():
    values = np.zeros((9, 9))
    values[4, 4] = 1
    drawn = dots(values, 0, 1)
    assert drawn[3:6, 3:6].all() and drawn.any(-1).sum() == 9


def test_a_report_of_depth(tmp_path, capsys):
    page = Page("t", "i")
    add_depth(page, results(tmp_path), None)
    page.write(tmp_path / "a.html")
    report = read_report(tmp_path / "a.html")
    assert report.columns == ["network", "mean map", "constant"]
    assert report.network["abs_rel"] == pytest.approx(0.1 / 3, abs=1e-4)
    assert report.headings == [
        "Metrics",
        "Worst and best images",
        "Errors of the images",
        "Point cloud",
    ]
    assert report.images == 3 * 4 and report.clouds == 1
    assert "worst 1: b, abs rel 0.100" in report.text
    assert "scaled by medians" not in report.text
    add_depth(page, results(tmp_path, EIGEN_BENCHMARK), None)
    assert "scaled by medians" in page.html()


def test_a_report_of_motion(tmp_path):
    plot = tmp_path / "plot.png"
    cv2.imwrite(str(plot), np.zeros((640, 640, 3), np.uint8))
    columns = {"network": {"ate": 0.5}, "straight on": {"ate": 1.0}}
    page = Page("t", "i")
    add_motion(page, columns, [0.5, None, 0.25], plot, None)
    page.write(tmp_path / "a.html")
    report = read_report(tmp_path / "a.html")
    assert report.headings == ["Metrics", "Path from above", "Errors of the snippets"]
    assert report.rows == {"ate": ["0.5000", "1.0000"]} and "2 values" in report.text


def test_a_straight_path_goes_ahead():
    path = straight_path(3)
    np.testing.assert_array_equal(path[:, :3, 3], [[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    np.testing.assert_array_equal(path[:, :3, :3], np.tile(np.eye(3), (3, 1, 1)))


@pytest.fixture(scope="module")
def kitti(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "drives"
    flags = "--drives 1 --test 0 --frames 4 --height 48 --laser 20 --images jpg --workers 1"
    render(["kitti_drives", str(out), *flags.split()])
    return out


def test_the_camera_is_that_of_the_day_or_a_usual_one(kitti, tmp_path):
    folder = next(path.parent.parent for path in kitti.glob("*/*/image_02"))
    drive = next(path.name for path in folder.iterdir() if path.is_dir() and "drive" in path.name)
    frame = Frame(f"{folder.name}/{drive}", 0, "l")
    size = read_rgb(KittiRaw(kitti).image(frame)).shape[:2]
    P = read_raw_calibration(folder).projections[2]
    camera = raw_camera(kitti, frame, size)
    assert (camera.height, camera.width) == size
    np.testing.assert_allclose([camera.fx, camera.fy], [P[0, 0], P[1, 1]], rtol=0.02)
    half = raw_camera(kitti, frame, (size[0] // 2, size[1] // 2))
    assert half.fx == pytest.approx(camera.fx / 2, rel=0.02)
    usual = raw_camera(tmp_path, frame, (100, 200))
    assert [usual.fx, usual.fy, usual.cx, usual.cy] == pytest.approx([116, 192, 100, 50])


def test_eigen_s_protocol_counts_its_crop_alone():
    """Outside Garg's crop the truth does not reach the rivals."""
    maps = [np.full((100, 200), 5, np.float32) for _ in range(2)]
    for one in maps:
        one[:20] = 0.5
    found = rival_metrics(2, maps.__getitem__, replace(GEONET_EIGEN, median=False))
    assert found["constant"]["abs_rel"] < 1e-3 and found["mean map"]["abs_rel"] < 1e-3
