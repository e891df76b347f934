"""What an evaluation writes: means, one line per image, panels."""

import csv
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from midas.src.datasets.samples import Order, Sample
from midas.src.datasets.zero_shot import PROTOCOLS
from midas.src.evaluation.benchmark import choose, evaluate_all
from midas.src.evaluation.evaluator import Row
from midas.src.evaluation.panels import write_panels
from midas.src.evaluation.report import per_image_csv
from midas.src.metrics import Score
from midas.src.model_utils.errors import InputError
from midas.src.model_utils.panels import panel as titled
from tests.midas.made_images import LANDSCAPE, PORTRAIT, Images, evaluator, red, what_a_reader_sees


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


def test_the_line_of_a_dataset_does_not_wait_for_the_next_one(tmp_path, monkeypatch):
    seen, told = what_a_reader_sees(monkeypatch), []

    def predict(images):
        told.append(seen())
        return red(images)

    datasets = {"Made": Images([LANDSCAPE] * 2, empty=[1]), "Other": Images([LANDSCAPE])}
    predicts = {"Made": red, "Other": predict}
    evaluate_all(evaluator(None), datasets, predicts, **outputs(tmp_path), panels=0)
    left_out, line = told[0].splitlines()[-2:]
    assert left_out == "left out, no valid pixel: Made image1"
    assert line.startswith("Made bad pixel: ")


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
    corners = np.argwhere((panel == tile[0, 0]).all(2))
    found = [
        (top, left)
        for top, left in corners
        if np.array_equal(panel[top : top + height, left : left + width], tile)
    ]
    assert len(found) == 1 and panel.shape[1] >= 3 * width


def drawn(folder, images, sample, prediction):
    """The panel of a sample, as RGB."""
    stand_in = SimpleNamespace(predict_one=lambda *_: (sample, prediction))
    write_panels(folder, stand_in, images, [Row(0, "image0", Score(1.0, 2), (64, 64))], 1)
    return cv2.imread(str(folder / "Made_worst1.png"))[..., ::-1]


def test_the_prediction_is_shown_aligned_to_the_truth(tmp_path):
    """4 d - 0.5 looks as d does."""
    images = Images([(20, 30)])
    sample = images.load(0)
    panels = [
        drawn(tmp_path, images, sample, scale / sample.depth + shift).astype(int)
        for scale, shift in ((1, 0), (4, -0.5))
    ]
    assert np.abs(panels[0] - panels[1]).max() <= 2


def order_panel(folder, points, relation):
    """The image of a DIW panel, grey, with its two marks, at its own size."""
    images, grey = Ordered([LANDSCAPE]), np.full((40, 50, 3), 128, np.uint8)
    sample = Sample(grey, order=Order(points, relation, (50, 40)))
    prediction = np.tile(np.arange(50, dtype=np.float32), (40, 1))
    panel = drawn(folder, images, sample, prediction)
    # Below the title's 24 rows; 50 columns are enlarged 4 times, to at least 160.
    return panel[24 : 24 + 160 : 4, :200:4]


def test_the_points_of_an_order_are_marked_and_the_nearer_one_is_named(tmp_path):
    first, second = (20, 10), (30, 35)  # y, x
    marked = order_panel(tmp_path / "a", (*first, *second), ">")
    for y, x in (first, second):
        # Left arm and lower arm of a cross of 9 pixels; the letter stands above, at the right.
        assert (marked[y, x - 4 : x + 1] == (255, 0, 0)).all()
        assert (marked[y : y + 5, x] == (255, 0, 0)).all()
        assert (marked[y, x - 5] == 128).all() and (marked[y + 5, x] == 128).all()
    same = order_panel(tmp_path / "b", (*second, *first), "<")
    np.testing.assert_array_equal(marked, same)
    assert (marked != order_panel(tmp_path / "c", (*first, *second), "<")).any()
    # An N has ink at the lower right, where an F has none.
    near, far = (
        (
            marked[y - 5 : y - 1, x + 6 : x + 11, 0].astype(int)
            - marked[y - 5 : y - 1, x + 6 : x + 11, 1]
        ).sum()
        for y, x in (first, second)
    )
    assert near > 500 and near > 10 * far


@pytest.mark.parametrize(("columns", "width"), [(79, 3 * 79), (80, 160), (159, 318), (160, 160)])
def test_tiles_are_enlarged_to_160_columns(tmp_path, columns, width):
    """By whole factors, so that pixels stay squares; two points make a panel of two tiles."""
    sample = Sample(np.zeros((8, columns, 3), np.uint8), order=Order((1, 2, 3, 4), ">", (1, 1)))
    prediction = np.tile(np.arange(columns, dtype=np.float32), (8, 1))
    panel = drawn(tmp_path, Ordered([LANDSCAPE]), sample, prediction)
    assert panel.shape[1] == 2 * width
    assert panel.shape[0] == 24 + 8 * width // columns + 24  # between the title and the legend


def tiles(folder, images, sample):
    """The three tiles of a panel of a 30 x 20 sample, predicted as it is, at their own size."""
    panel = drawn(folder, images, sample, 1 / sample.depth)
    # Below the title; 30 columns are enlarged 6 times, to at least 160.
    return [panel[24 : 24 + 120 : 6, 180 * n : 180 * (n + 1) : 6] for n in range(3)]


@pytest.mark.parametrize("by_mistake", [False, True])
@pytest.mark.parametrize("protocol", ["standard", "modelzoo"])
def test_an_image_that_is_fed_as_bgr_is_shown_as_rgb(tmp_path, by_mistake, protocol):
    images = Images([(20, 30)])
    images.bgr_by_mistake, images.protocol = by_mistake, PROTOCOLS[protocol]
    sample = images.load(0)
    swapped = by_mistake and protocol == "modelzoo"
    expected = sample.image[..., ::-1] if swapped else sample.image
    np.testing.assert_array_equal(tiles(tmp_path, images, sample)[0], expected)


def test_the_truth_is_inverse_depth_and_black_where_there_is_none(tmp_path):
    images = Images([(20, 30)])
    sample = images.load(0)
    sample.depth = np.tile(np.linspace(1, 5, 30, dtype=np.float32), (20, 1))
    sample.mask[5:9, 10:14] = False
    _, prediction, truth = tiles(tmp_path, images, sample)
    np.testing.assert_array_equal(truth.any(2), sample.mask)
    assert truth[0, 0].sum() > 2 * truth[0, -2].sum()  # near is bright
    np.testing.assert_array_equal(prediction[sample.mask], truth[sample.mask])


def test_the_legend_tells_the_truth_in_1_per_m(tmp_path):
    """2 m and 4 m: from 0.25 to 0.5, whatever the scale of the prediction."""
    images = Images([(20, 30)])
    sample = images.load(0)
    sample.depth = np.repeat(np.float32([[2, 4]]), 15, 1).repeat(20, 0)
    got = drawn(tmp_path, images, sample, 7 / sample.depth + 3)
    expected = titled([("", np.zeros((1, got.shape[1], 3), np.uint8))], 0.25, 0.5, "1/m")
    np.testing.assert_array_equal(got[-24:], expected[-24:])
