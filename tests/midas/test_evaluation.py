"""The evaluation loop: sizes, buckets, empty masks, and the files that it writes."""

import csv
import json
import math

import cv2
import numpy as np
import pytest

from midas.src.datasets.samples import Order, Sample
from midas.src.datasets.zero_shot import PROTOCOLS
from midas.src.evaluation.benchmark import choose, evaluate_all
from midas.src.evaluation.evaluator import Evaluator, Report, resize_prediction
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


PLACES = {"Sintel": "/s", "Kitti": "/k", "TUM": "/t", "NYU": ["/a", "/b"]}


def test_what_is_evaluated_and_how():
    none = {"TUM": "", "Kitti": "", "Sintel": ""}
    assert choose("all", none, PLACES) == ({}, PLACES)
    assert choose("NYU", none, PLACES) == ({}, {"NYU": ["/a", "/b"]})
    graphs = {**none, "Kitti": "k.onnx"}
    # With a graph only what graphs are given for; the graph of another dataset does not count.
    assert choose("all", graphs, PLACES) == ({"Kitti": "k.onnx"}, {"Kitti": "/k"})
    assert choose("Kitti", graphs, PLACES) == ({"Kitti": "k.onnx"}, {"Kitti": "/k"})
    assert choose("TUM", graphs, PLACES) == ({}, {"TUM": "/t"})


def outputs(folder):
    return {
        "result_file": folder / "val.json",
        "csv_file": folder / "val.csv",
        "panels_path": folder / "panels",
    }


def test_each_dataset_has_its_predictor_and_its_line(tmp_path, capsys):
    first, second = Images([LANDSCAPE] * 2, empty=[1]), Images([PORTRAIT] * 3)
    second.title = "Other"
    datasets = {"Made": first, "Other": second}
    predicts = {"Made": red, "Other": lambda images: images[:, 2] + 3}
    runner = evaluator(None)
    evaluate_all(runner, datasets, predicts, **outputs(tmp_path), panels=0)
    expected = {
        name: evaluator(predicts[name]).run(datasets[name]).value for name in ("Made", "Other")
    }
    assert json.loads((tmp_path / "val.json").read_text()) == expected
    rows = list(csv.DictReader((tmp_path / "val.csv").read_text().splitlines()))
    assert [row["dataset"] for row in rows] == ["Made"] * 2 + ["Other"] * 3
    assert not (tmp_path / "panels").exists()
    out = capsys.readouterr().out
    assert "left out, no valid pixel: Made image1\n" in out
    assert f"Made bad pixel: {expected['Made']:.3f}  (2 images, " in out
    assert "Other processing: 3 / 3, " in out
    assert f"{expected}\n" in out and "2 graphs were compiled" in out


def test_an_interrupted_evaluation_keeps_what_it_has(tmp_path):
    datasets = {"Made": Images([LANDSCAPE]), "Other": Images([LANDSCAPE], bad=[0])}
    with pytest.raises(InputError, match="image0: truncated"):
        evaluate_all(
            evaluator(None), datasets, dict.fromkeys(datasets, red), **outputs(tmp_path), panels=1
        )
    assert list(json.loads((tmp_path / "val.json").read_text())) == ["Made"]
    assert [path.name for path in (tmp_path / "panels").iterdir()] == ["Made_worst1.png"]


class Ordered(Images):
    """The same with DIW's annotation: the points (1, 2) and (3, 4) of a 50 x 40 image."""

    metric = "whdr"

    def load(self, index):
        sample = super().load(index)
        return Sample(sample.image, order=Order((1, 2, 3, 4), ">", (50, 40)))


def test_an_order_is_looked_up_at_the_size_of_its_annotation(tmp_path):
    """The map rises to the right, so that the second point, further right, has more."""
    met = []

    def predict(images):
        met.append(images.shape)
        return np.broadcast_to(np.arange(64, dtype=np.float32), (len(images), 32, 64))

    runner, images = evaluator(predict), Ordered([LANDSCAPE])
    report = runner.run(images)
    assert (report.value, report.rows[0].score.valid_pixels) == (1.0, 2)
    sample, prediction = runner.predict_one(images, 0)
    assert prediction.shape == (40, 50) and sample.order.size == (50, 40)
    write_panels(tmp_path, runner, images, report.rows, 1)
    panel = cv2.imread(str(tmp_path / "Made_worst1.png"))
    # Two tiles of 50 columns, enlarged to at least 160: 4 times.
    assert panel.shape[1] >= 2 * 200


def test_panels_show_image_prediction_and_truth(tmp_path):
    runner, images = evaluator(red), Images([(20, 30)])
    write_panels(tmp_path, runner, images, runner.run(images).rows, 1)
    panel = cv2.imread(str(tmp_path / "Made_worst1.png"))[..., ::-1].astype(int)
    tile = images.load(0).image.repeat(6, 0).repeat(6, 1)  # 30 columns become 180
    height, width = tile.shape[:2]
    rows = [
        top
        for top in range(panel.shape[0] - height + 1)
        for left in (range(panel.shape[1] - width + 1))
        if np.array_equal(panel[top : top + height, left : left + width], tile)
    ]
    assert len(rows) == 1 and panel.shape[1] >= 3 * width


def test_the_target_is_resized_where_the_dataset_says_so():
    images = Images([(30, 60)])
    sample, array = evaluator(red).prepare(images, 0)
    assert sample.depth.shape == sample.mask.shape == (30, 60) and array.shape == (3, 32, 64)
    images.resize_target = True
    small, _ = evaluator(red).prepare(images, 0)
    assert small.depth.shape == small.mask.shape == (32, 64)
    # Row i comes from floor(i * 30 / 32), column j from floor(j * 60 / 64).
    assert small.depth[17, 40] == sample.depth[15, 37]


def test_lines_of_the_three_metrics():
    for metric, text in (("delta", "bad pixel: 1.235"), ("abs_rel", "abs rel: 1.235")):
        report = Report("Made", metric, 1.23456, [None] * 4, [], 2, 0.5)
        assert report.line() == f"Made {text}  (4 images, 8.00 images/s, 2 new graphs)"
    assert "WHDR: 1.2346" in Report("Made", "whdr", 1.23456, [], [], 0, 0).line()
