"""Alignment and metrics by hand, buckets, empty masks, and the files that an evaluation writes."""

import csv
import math

import numpy as np
import pytest

from midas.src.datasets.zero_shot import PROTOCOLS, Sample
from midas.src.evaluation.evaluator import Evaluator, resize_prediction
from midas.src.metrics import align, depth_score, order_score
from midas.src.model_utils.errors import InputError, RunError
from midas.src.evaluation.panels import chosen, write_panels

STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]
ONES = np.ones((4, 6), bool)


def positive(seed=0, shape=(4, 6)):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(np.float32)


def test_an_affine_prediction_is_aligned_exactly():
    disparity = positive()
    assert align(3 * disparity - 1, disparity, ONES) == pytest.approx((1 / 3, 1 / 3), rel=1e-5)


def test_alignment_sees_the_mask_only():
    disparity, mask = positive(), ONES.copy()
    prediction = 2 * disparity + 1
    mask[0], prediction[0] = False, 1e6
    assert align(prediction, disparity, mask) == pytest.approx((0.5, -0.5), rel=1e-5)


def test_alignment_by_least_squares_and_where_it_is_not_determined():
    x, y = positive(1), positive(2)
    design = np.stack([x.ravel(), np.ones(x.size)], 1)
    expected = np.linalg.lstsq(design, y.ravel(), rcond=None)[0]
    assert align(x, y, ONES) == pytest.approx(tuple(expected), rel=1e-4)
    assert align(np.ones_like(x), y, ONES) == (0, 0)
    assert align(x, y, ~ONES) == (0, 0)


@pytest.mark.parametrize("metric", ["delta", "abs_rel"])
def test_scores_do_not_depend_on_scale_and_shift(metric):
    depth, prediction = 5 * positive(3), positive(4)
    values = [
        depth_score(scale * prediction + shift, depth, ONES, 80, metric).value
        for scale, shift in ((1, 0), (70, -3), (0.01, 900))
    ]
    assert values[0] > 0
    np.testing.assert_allclose(values, values[0], rtol=1e-2)


def test_scores_by_hand():
    """Two pixels fit any two depths; a third between them in disparity does not."""
    depth = np.array([[1, 2, 4]], np.float32)  # disparity 1, 0.5, 0.25
    exact = depth_score(1 / depth, depth, depth > 0, 80, "delta")
    assert (exact.value, exact.valid_pixels) == (0, 3)
    prediction = np.array([[1.0, 0.0, 0.0]], np.float32)
    # Least squares: 1 for the first, the mean 0.375 for both others: depth 2.667, so ratios 1,
    # 1.333, 1.5: two of three are bad; |difference| / depth is 0, 1/3, 1/3.
    mask = depth > 0
    assert depth_score(prediction, depth, mask, 80, "delta").value == pytest.approx(200 / 3)
    assert depth_score(prediction, depth, mask, 80, "abs_rel").value == pytest.approx(2 / 9)
    # A cap of 2 m keeps disparities at or above 0.5: ratios 1, 1, 2.
    assert depth_score(prediction, depth, mask, 2, "delta").value == pytest.approx(100 / 3)


def test_a_ratio_of_exactly_1_25_is_good():
    depth = np.array([[1.25, 1, 1, 1]], np.float32)
    score = depth_score(np.zeros_like(depth), depth, depth > 0, 1, "delta")
    assert score.value == 0  # a constant prediction becomes the cap, 1 m


@pytest.mark.parametrize(
    ("a", "b", "relation", "wrong"),
    [
        (2, 1, ">", 0),
        (2, 1, "<", 1),
        (1, 2, "<", 0),
        (1, 2, ">", 1),
        (1, 1, ">", 1),
        (1, 1, "<", 1),
    ],
)
def test_order(a, b, relation, wrong):
    prediction = np.array([[0, a], [b, 0]], np.float32)
    assert order_score(prediction, (0, 1, 1, 0), relation).value == wrong


def test_resizing_by_hand():
    row = np.array([[0, 1]], np.float32)
    half = resize_prediction(row, 1, 4, half_pixel=True)
    np.testing.assert_allclose(half, [[0, 0.25, 0.75, 1]], atol=1e-6)
    legacy = resize_prediction(row, 1, 4, half_pixel=False)
    np.testing.assert_allclose(legacy, [[0, 0.5, 1, 1]], atol=1e-6)
    assert resize_prediction(row, 1, 2, half_pixel=False) is row


class Images:
    """A dataset in memory: image sizes, and the indices of the images without valid depth."""

    title, metric, cap, resize_method, resize_target = "Made", "delta", 10, "upper_bound", False
    bgr_by_mistake, protocol = False, STANDARD

    def __init__(self, sizes, empty=(), bad=()):
        self.sizes, self.empty, self.bad = sizes, empty, bad

    def __len__(self):
        return len(self.sizes)

    def name(self, index):
        return f"image{index}"

    def load(self, index):
        if index in self.bad:
            raise InputError(f"image{index}: truncated")
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (*self.sizes[index], 3), dtype=np.uint8)
        depth = rng.uniform(1, 9, self.sizes[index]).astype(np.float32)
        return Sample(image, depth, np.full(depth.shape, index not in self.empty))


def evaluator(predict, protocol=STANDARD, **options):
    return Evaluator(predict, protocol, (64, 64), [0.5] * 3, [0.25] * 3, **options)


def red(images):
    return images[:, 0] + 3


LANDSCAPE, PORTRAIT = (30, 60), (60, 30)  # 32 x 64 and 64 x 32 at the network


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_one_graph_a_shape_and_the_same_numbers_for_every_batch_size(batch, workers):
    sizes = [LANDSCAPE, PORTRAIT, LANDSCAPE, LANDSCAPE, PORTRAIT, (64, 64), LANDSCAPE]
    met = []

    def predict(images):
        met.append(images.shape)
        return red(images)

    report = evaluator(predict, batch_size=batch, workers=workers).run(Images(sizes))
    assert len(set(met)) == report.graphs == 3
    assert {row.shape for row in report.rows} == {(32, 64), (64, 32), (64, 64)}
    assert {shape[0] for shape in met} == {batch}
    assert [row.index for row in report.rows] == list(range(len(sizes)))
    alone = [evaluator(red).run(Images(sizes[: i + 1])).rows[-1].score for i in range(len(sizes))]
    assert [row.score for row in report.rows] == alone
    assert report.value == np.mean([score.value for score in alone])


def test_a_second_dataset_of_the_same_shape_needs_no_new_graph():
    runner = evaluator(red)
    assert runner.run(Images([(30, 60)])).graphs == 1
    report = runner.run(Images([(30, 60), (60, 30)]))
    assert report.graphs == 1 and len(runner.shapes) == 2
    assert "Made bad pixel: " in report.line() and "1 new graphs" in report.line()


def test_images_without_a_valid_pixel_do_not_count():
    full = evaluator(red).run(Images([LANDSCAPE] * 3))
    report = evaluator(red).run(Images([LANDSCAPE] * 3, empty=[1]))
    kept = [full.rows[i].score.value for i in (0, 2)]
    assert report.value == np.mean(kept) and report.left_out == ["image1"]
    assert math.isnan(report.rows[1].score.value)
    with pytest.raises(InputError, match="Made: no image has a valid pixel.*0..10 m"):
        evaluator(red).run(Images([LANDSCAPE] * 2, empty=[0, 1]))


def test_the_original_counts_them_as_nan_or_zero():
    images = Images([LANDSCAPE] * 2, empty=[1])
    assert math.isnan(evaluator(red, MODELZOO).run(images).value)
    images.metric = "abs_rel"
    report = evaluator(red, MODELZOO).run(images)
    assert report.value == report.rows[0].score.value / 2 and report.left_out == []


def test_a_prediction_that_is_not_finite_stops_the_run():
    with pytest.raises(RunError, match="image0: the prediction is not finite"):
        evaluator(lambda images: images[:, 0] * np.nan).run(Images([LANDSCAPE]))


def test_bad_files_stop_the_run_or_are_left_out(capsys):
    images = Images([LANDSCAPE] * 3, bad=[1])
    with pytest.raises(InputError, match="image1: truncated"):
        evaluator(red, workers=2).run(images)
    report = evaluator(red, workers=2, skip_bad=True).run(images)
    assert [row.index for row in report.rows] == [0, 2]
    assert "bad sample, left out: image1: truncated" in capsys.readouterr().out


def test_progress_reaches_the_end():
    calls = []
    evaluator(red, batch_size=2).run(Images([LANDSCAPE] * 3), lambda *done: calls.append(done))
    assert calls == [(2, 3), (3, 3)]


def test_panels_of_the_worst_and_the_best(tmp_path):
    runner, images = evaluator(red), Images([LANDSCAPE] * 5, empty=[2])
    images.metric = "abs_rel"  # without ties
    rows = runner.run(images).rows
    order = sorted((r for r in rows if r.index != 2), key=lambda row: row.score.value)
    picked = dict(chosen(rows, 1))
    assert picked == {"worst1": order[-1], "best1": order[0]}
    assert [label for label, _ in chosen(rows, 3)] == ["worst1", "worst2", "worst3", "best1"]
    write_panels(tmp_path, runner, images, rows, 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"Made_{word}{n}.png" for word in ("best", "worst") for n in (1, 2)]


def test_the_csv_has_one_line_an_image():
    from midas.src.benchmark import per_image_csv

    report = evaluator(red).run(Images([LANDSCAPE, PORTRAIT], empty=[1]))
    rows = list(csv.DictReader(per_image_csv([report]).splitlines()))
    assert [row["image"] for row in rows] == ["image0", "image1"]
    assert float(rows[0]["value"]) == report.rows[0].score.value
    assert rows[0]["valid_pixels"] == str(30 * 60) and rows[1]["value"] == "nan"
    assert (rows[0]["network_height"], rows[0]["network_width"]) == ("32", "64")
