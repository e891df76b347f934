"""The evaluation loop: sizes, buckets, batches, images without a valid pixel."""

import math
import time
from dataclasses import FrozenInstanceError
from threading import Barrier, Event, get_ident

import numpy as np
import pytest

from midas.src.datasets.zero_shot import PROTOCOLS
from midas.src.evaluation.evaluator import Report, resize_prediction
from midas.src.model_utils.errors import InputError, RunError
from tests.midas.made_images import LANDSCAPE, PORTRAIT, Images, evaluator, red, what_a_reader_sees

MODELZOO = PROTOCOLS["modelzoo"]


def test_resizing_by_hand():
    row = np.array([[0, 1]], np.float32)
    half = resize_prediction(row, 1, 4, half_pixel=True)
    np.testing.assert_allclose(half, [[0, 0.25, 0.75, 1]], atol=1e-6)
    legacy = resize_prediction(row, 1, 4, half_pixel=False)
    np.testing.assert_allclose(legacy, [[0, 0.5, 1, 1]], atol=1e-6)
    assert resize_prediction(row, 1, 2, half_pixel=False) is row


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
    with pytest.raises(InputError, match="Made: no image has a valid pixel.*0..10 m.*image0$"):
        evaluator(red).run(Images([LANDSCAPE] * 2, empty=[0, 1]))


def test_one_image_is_predicted_at_a_time_by_default():
    shapes = []

    def predict(images):
        shapes.append(len(images))
        return red(images)

    evaluator(predict).run(Images([LANDSCAPE] * 3))
    assert shapes == [1, 1, 1]


def test_results_do_not_change():
    report = evaluator(red).run(Images([LANDSCAPE]))
    with pytest.raises(FrozenInstanceError):
        report.rows[0].index = 5
    with pytest.raises(FrozenInstanceError):
        report.value = 0.0


class Watched(Images):
    """A dataset that calls a function before it loads an image."""

    def __init__(self, count, before):
        super().__init__([LANDSCAPE] * count)
        self.before = before

    def load(self, index):
        self.before(index)
        return super().load(index)


def test_images_are_read_by_one_thread_unless_more_are_asked_for():
    threads = set()

    def slow(index):
        threads.add(get_ident())
        time.sleep(0.02)  # a second thread would take the next image meanwhile

    evaluator(red).run(Watched(4, slow))
    assert len(threads) == 1
    # Loads that wait for each other end only where two threads run them.
    barrier = Barrier(2)
    assert len(evaluator(red, workers=2).run(Watched(4, lambda _: barrier.wait(20))).rows) == 4


def test_the_next_image_is_read_while_the_network_runs_and_no_more():
    started, found = [Event() for _ in range(3)], []

    def predict(images):
        found.append((started[1].wait(20), started[2].is_set()))
        return red(images)

    evaluator(predict).run(Watched(3, lambda index: started[index].set()))
    assert found[0] == (True, False)


def test_the_report_tells_how_long_the_run_took():
    def predict(images):
        time.sleep(0.05)
        return red(images)

    began = time.perf_counter()
    report = evaluator(predict).run(Images([LANDSCAPE] * 2))
    assert 0.1 <= report.seconds <= time.perf_counter() - began


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


def test_a_bad_file_is_told_at_once(monkeypatch):
    seen, told = what_a_reader_sees(monkeypatch), []

    def predict(images):
        told.append(seen())
        return red(images)

    evaluator(predict, skip_bad=True).run(Images([LANDSCAPE] * 2, bad=[0]))
    assert told == ["bad sample, left out: image0: truncated\n"]


def test_progress_reaches_the_end():
    calls = []
    evaluator(red, batch_size=2).run(Images([LANDSCAPE] * 3), lambda *done: calls.append(done))
    assert calls == [(2, 3), (3, 3)]


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
