"""The page of an evaluation, and its rivals, on made images."""

from types import SimpleNamespace

import numpy as np
import pytest

from midas.src.evaluation.page import aligned_depth, write_page
from midas.src.evaluation.rivals import mean_inverse_depth, rival_errors
from midas.src.model_utils.report import ReportPlace
from tests.midas.made_images import LANDSCAPE, PORTRAIT, Images, evaluator, red
from tests.reports import read_report


def test_the_mean_of_inverse_depths():
    images = Images([LANDSCAPE] * 3, empty=[2])
    samples = [images.load(index) for index in range(3)]
    found = mean_inverse_depth(evaluator(red), images, range(3))
    seen = [np.mean(1 / one.depth[one.mask]) for one in samples if one.mask.any()]
    assert found.mean() == pytest.approx(np.mean(seen), rel=0.02)


def test_rivals_are_scored_on_the_images_that_count():
    images, runner = Images([LANDSCAPE, PORTRAIT, LANDSCAPE], empty=[1]), evaluator(red)
    average = mean_inverse_depth(runner, images, [0, 2])
    found = rival_errors(runner, images, average, [0, 2])
    assert found == rival_errors(runner, Images([LANDSCAPE] * 3, empty=[1]), average, [0, 2])
    assert set(found) == {"mean map", "constant"}
    assert set(rival_errors(runner, images, None, [0, 2])) == {"constant"}


def test_depth_is_shown_after_its_fit_and_never_below_0():
    depth = np.array([[1.0, 2.0], [4.0, 0.0]])
    sample = SimpleNamespace(depth=depth, mask=depth > 0)
    prediction = np.array([[5.0, 4.0], [3.5, -9.0]])  # 2 / depth + 3
    fitted = aligned_depth(sample, prediction)
    np.testing.assert_allclose(fitted, [[1, 2], [4, 1e9]], rtol=1e-6)


def test_a_bad_image_that_was_left_out_stays_out(tmp_path):
    runner, dataset = evaluator(red, skip_bad=True), Images([LANDSCAPE] * 3, bad=[1])
    report = runner.run(dataset)
    place = ReportPlace(tmp_path / "a.html", None)
    write_page(place, runner, {"A": dataset}, {"A": red}, [report])
    assert read_report(place.path).images == 2 * 4


def test_a_page_shows_each_data_set(tmp_path):
    runner = evaluator(red)
    sets = {"A": Images([LANDSCAPE] * 5, empty=[2]), "B": Images([PORTRAIT])}
    sets["B"].title = "Other"
    reports = []
    runner.predict = red
    for dataset in sets.values():
        reports.append(runner.run(dataset))
    place = ReportPlace(tmp_path / "a.html", None)
    write_page(place, runner, sets, dict.fromkeys(sets, red), reports)
    found = read_report(place.path)
    assert found.columns == ["network", "mean map", "constant"]
    assert found.images == (4 + 1) * 4 and found.clouds == 1
    assert found.charts == 2 and list(found.rows) == ["Made bad pixel", "Other bad pixel"]
    assert "Made: worst and best images" in found.headings
    assert "a field of view of 60 degrees is taken" in found.text
