"""What a report draws: bars, lines, points."""

import base64
import re

import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.report_charts import back_project, curves, histogram, packed_cloud
from tests.model_utils.report_pages import room, write_metrics


def bars(svg):
    """(x, width, y, height) of each bar, and the counts that their titles tell."""
    found = re.findall(r'<rect class="bar" x="(.*?)" width="(.*?)" y="(.*?)" height="(.*?)">', svg)
    counts = re.findall(r"<title>\S+ to \S+: (\d+)</title>", svg)
    return np.float64(found), [int(count) for count in counts]


def test_bars_count_the_values_and_a_line_marks_their_mean():
    values = [0.0] * 3 + [1.0] * 6 + [float("nan")]
    svg = histogram(values, "abs rel")
    places, counts = bars(svg)
    assert sum(counts) == 9 and counts[0] == 3 and counts[-1] == 6
    heights = places[:, 3]
    assert heights[0] == pytest.approx(heights[-1] / 2, abs=0.1)
    left, right = places[0, 0], places[-1, 0] + places[-1, 1]
    mean = float(re.search(r'class="line mean" d="M(\S+) ', svg)[1])
    assert mean == pytest.approx(left + (right - left) * 2 / 3, abs=1)
    assert ">mean 0.667<" in svg and ">abs rel; 9 values<" in svg


@pytest.mark.parametrize("values", [[2.0], [0.5] * 7])
def test_equal_values_give_bars_too(values):
    assert sum(bars(histogram(values, "x"))[1]) == len(values)


def test_each_stage_has_its_curves(tmp_path):
    found = curves(write_metrics(tmp_path / "metrics.csv"))
    assert list(found) == ["coarse", "fine"]
    lines = re.findall(r'<polyline class="(.*?)" points="(.*?)"', found["coarse"])
    # Of the validation there are few points: they are not smoothed.
    assert [kind for kind, _ in lines] == ["raw line", "line", "second line"]
    points = np.float64([place.split(",") for place in lines[0][1].split()])
    assert len(points) == 50 and (np.diff(points[:, 0]) > 0).all()
    assert (np.diff(points[:, 1]) >= 0).all()  # y grows downwards: the loss falls
    raw, smooth = (
        np.float64([place.split(",") for place in points.split()])
        for points in re.findall(r'points="(.*?)"', found["fine"])
    )
    # 1, 2, 3, 1, 2, 3 ... is 2 everywhere.
    assert np.ptp(raw[:, 1]) > 100 and np.ptp(smooth[2:-2, 1]) < 0.2
    assert ">49<" in found["fine"]


def test_long_curves_are_thinned_and_gaps_left_out(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = [f"train,{step},{'nan' if step == 7 else step % 2}" for step in range(5000)]
    path.write_text("\n".join(["stage,step,loss", *rows]) + "\n")
    (svg,) = curves(path).values()
    assert len(svg) < 12000 and "nan" not in svg
    path.write_text("no csv of a training\n1\n")
    with pytest.raises(InputError, match="no columns stage and step"):
        curves(path)


def test_points_lie_where_the_camera_saw_them():
    depth, rgb = np.full((100, 200), 2.0), np.zeros((100, 200, 3), np.uint8)
    rgb[:, 100:] = 255
    points, colors = back_project(depth, rgb, (100, 50, 99.5, 49.5))
    assert points.dtype == np.float32 and len(points) == len(colors) == 20000
    np.testing.assert_allclose(points[:, 2], 2)
    np.testing.assert_allclose(points.min(0), [-2 * 99.5 / 100, -2 * 49.5 / 50, 2], atol=1e-6)
    np.testing.assert_allclose(points.max(0), [2 * 99.5 / 100, 2 * 49.5 / 50, 2], atol=1e-6)
    np.testing.assert_array_equal(colors[points[:, 0] > 0], 255)
    np.testing.assert_array_equal(colors[points[:, 0] < 0], 0)


@pytest.mark.parametrize("factor", [0.5, 3])
def test_any_size_gives_about_as_many_points_of_the_same_places(factor):
    size = int(60 * factor), int(80 * factor)
    depth, rgb = room(*size)
    camera = [60 * factor, 60 * factor, size[1] / 2 - 0.5, size[0] / 2 - 0.5]
    points, _ = back_project(depth, rgb, camera)
    assert 15000 < len(points) <= 20000
    np.testing.assert_allclose(points[:, 0].max(), 2, atol=0.06)
    np.testing.assert_allclose(points[:, 1].max(), 1.5, atol=0.06)


def test_what_is_no_depth_or_far_away_gives_no_point():
    depth, rgb = np.full((100, 200), 1.0), np.zeros((100, 200, 3), np.uint8)
    depth[:10], depth[10:20], depth[20:30], depth[30:40] = np.nan, np.inf, 0, 4.5
    points, _ = back_project(depth, rgb, (1, 1, 0, 0))
    assert len(points) == 60 * 200 and (points[:, 2] == 1).all()
    assert len(back_project(np.full((4, 4), np.nan), rgb, (1, 1, 0, 0))[0]) == 0


def test_packed_points_are_those_around_their_middle():
    points = np.random.default_rng(0).normal(5, 2, (500, 3))
    colors = np.random.default_rng(1).integers(0, 256, (500, 3))
    packed = packed_cloud(points, colors)
    levels = np.frombuffer(base64.b64decode(packed["points"]), "<i2").reshape(-1, 3)
    found = levels * float(packed["unit"])
    centred = points - np.median(points, 0)
    factor = np.linalg.norm(centred) / np.linalg.norm(found)
    np.testing.assert_allclose(found * factor, centred, atol=1e-3)
    assert np.percentile(np.linalg.norm(found, axis=1), 90) == pytest.approx(1, abs=1e-3)
    stored = np.frombuffer(base64.b64decode(packed["colors"]), np.uint8).reshape(-1, 3)
    np.testing.assert_array_equal(stored, colors)


def test_a_single_point_can_be_packed():
    packed = packed_cloud(np.ones((1, 3)), np.zeros((1, 3), np.uint8))
    assert np.frombuffer(base64.b64decode(packed["points"]), "<i2").tolist() == [0, 0, 0]
