"""The evaluation loop: sizes, buckets, empty masks, and the files that it writes."""

import csv
import math

import numpy as np
import pytest

from midas.src.datasets.zero_shot import PROTOCOLS, Sample
from midas.src.evaluation.evaluator import Evaluator, resize_prediction
from midas.src.evaluation.panels import write_panels
from midas.src.evaluation.report import per_image_csv
from midas.src.model_utils.errors import InputError, RunError

STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]


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
    image = {"size": (64, 64), "mean": [0.5] * 3, "std": [0.25] * 3}
    found = Evaluator(protocol, **image, **options)
    found.predict = predict
    return found


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
    write_panels(tmp_path, runner, images, rows, 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"Made_{word}{n}.png" for word in ("best", "worst") for n in (1, 2)]
    write_panels(tmp_path / "one", runner, images, [order[-1]], 1)
    worst = (tmp_path / "one" / "Made_worst1.png").read_bytes()
    assert (tmp_path / "Made_worst1.png").read_bytes() == worst


def test_the_csv_has_one_line_per_image():
    report = evaluator(red).run(Images([LANDSCAPE, PORTRAIT], empty=[1]))
    rows = list(csv.DictReader(per_image_csv([report]).splitlines()))
    assert [row["image"] for row in rows] == ["image0", "image1"]
    assert float(rows[0]["value"]) == report.rows[0].score.value
    assert rows[0]["valid_pixels"] == str(30 * 60) and rows[1]["value"] == "nan"
    assert (rows[0]["network_height"], rows[0]["network_width"]) == ("32", "64")
