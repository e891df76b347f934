"""The evaluation loop and its panels, with networks that give back known maps."""

import math

import mindspore as ms
import numpy as np
import pytest

from depthnet.src.evaluation import Evaluator
from depthnet.src.model_utils.images import colorize, enlarge, read_rgb, value_range

HEIGHT, WIDTH = 48, 64  # multiples of 3 x 4, the size of the maps
TITLE = 24  # rows above a panel's image


class Images:
    """Images of one grey level each, whose depth in metres is known.

    Args:
        levels: value of every pixel of an image, 0..1.
        depths: (1, 3, 4) arrays.
    """

    def __init__(self, levels, depths):
        self.levels, self.depths = levels, depths

    def __len__(self):
        return len(self.levels)

    def name(self, index):
        return f"Test/{index:05}_colors.png"

    def load(self, index):
        rgb = np.full((3, HEIGHT, WIDTH), self.levels[index], np.float32)
        rgb[2] /= 2
        return {"rgb": rgb, "depth": np.float32(self.depths[index])}


class Net:
    """What Evaluator uses of a network."""

    def __init__(self, function):
        self.function, self.batches = function, []

    def __call__(self, rgb, *coarse):
        self.batches.append(len(rgb))
        return self.function(rgb, *coarse)


def of_level(factor):
    """Log-depth: factor times the image's red level in metres, everywhere."""

    def predict(rgb):
        return ms.Tensor(np.log(factor * rgb.asnumpy()[:, :1, :3, :4]))

    return predict


def twice(rgb, coarse):
    """The coarse depth doubled."""
    return ms.Tensor(coarse.asnumpy() + np.float32(math.log(2)))


@pytest.fixture
def data():
    """Depths 5, 4 and 2 m; the third image is half unknown, the fourth has no depth at all."""
    half = np.full((1, 3, 4), 2.0)
    half[..., 2:] = 0
    depths = [np.full((1, 3, 4), 5.0), np.full((1, 3, 4), 4.0), half, np.zeros((1, 3, 4))]
    return Images([0.5, 0.4, 0.2, 0.1], depths)


def evaluator(**options):
    """CoarseNet gives ten times the level, 5, 4, 2 and 1 m here; FineNet twice as much."""
    return Evaluator(Net(of_level(10)), Net(twice), **options)


def test_both_stages_are_scored_and_averaged(data):
    result = evaluator().evaluate(data)
    rows = result["images"]
    assert [row["name"] for row in rows] == [data.name(index) for index in range(4)]
    coarse = [row["coarse"]["abs_relative_loss"] for row in rows]
    # Unknown pixels count as 0.1 m: 2 m for them is 19 times too far, 1 m is 9 times.
    assert coarse == pytest.approx([0, 0, 19 / 2, 9], abs=1e-5)
    fine = [row["fine"]["abs_relative_loss"] for row in rows]
    assert fine == pytest.approx([1, 1, (1 + 39) / 2, 19], abs=1e-5)
    average = result["average"]
    assert list(average) == ["coarse", "fine"]
    assert average["coarse"]["abs_relative_loss"] == pytest.approx(np.mean(coarse))
    assert average["fine"]["abs_relative_loss"] == pytest.approx(np.mean(fine))
    assert result["left_out"] == []


def test_masked_images_without_depth_are_left_out_by_name(data):
    result = evaluator(mask_invalid=True).evaluate(data)
    assert result["left_out"] == [data.name(3)] and len(result["images"]) == 3
    assert result["average"]["coarse"]["abs_relative_loss"] == pytest.approx(0, abs=1e-5)
    assert result["average"]["fine"]["abs_relative_loss"] == pytest.approx(1, abs=1e-5)


def test_nothing_to_average(data):
    data.depths = [np.zeros((1, 3, 4))] * 4
    result = evaluator(mask_invalid=True).evaluate(data)
    assert result["average"] == {} and result["images"] == [] and len(result["left_out"]) == 4


@pytest.mark.parametrize(
    ("size", "batches", "progress"),
    [(1, [1] * 4, [1, 2, 3, 4]), (3, [3, 3], [3, 4]), (8, [8], [4])],
)
def test_a_short_batch_is_filled_and_changes_no_score(data, size, batches, progress):
    seen, loop = [], evaluator(batch_size=size)
    result = loop.evaluate(data, lambda done, count: seen.append((done, count)))
    assert result == evaluator().evaluate(data)
    assert loop.coarse.batches == loop.fine.batches == batches
    assert seen == [(done, 4) for done in progress]


def test_defaults_score_one_image_per_step_and_unknown_pixels_too(data):
    loop = evaluator()
    assert loop.batch_size == 1 and loop.mask_invalid is False


def test_predictions_are_copies_of_both_maps():
    rgb = np.full((2, 3, HEIGHT, WIDTH), 0.5, np.float32)
    maps = evaluator().predict(rgb)
    assert maps["coarse"].shape == maps["fine"].shape == (2, 1, 3, 4)
    np.testing.assert_allclose(np.exp(maps["coarse"]), 5, rtol=1e-5)
    np.testing.assert_allclose(np.exp(maps["fine"]), 10, rtol=1e-5)
    assert maps["coarse"].flags.owndata and maps["fine"].flags.owndata


def test_a_panel_shows_image_truth_and_both_maps_on_one_scale(data):
    data.depths[2][0, 0, 0] = 0.5
    drawn = evaluator().panel(data, 2)
    assert drawn.shape == (HEIGHT + 2 * TITLE, 4 * WIDTH, 3)
    tiles = np.split(drawn[TITLE : TITLE + HEIGHT], 4, axis=1)
    np.testing.assert_array_equal(tiles[0][0, 0], [51, 51, 26])  # 0.2 and 0.1 of 255, rounded
    truth = np.full((3, 4), 2.0)
    truth[:, 2:] = np.nan
    truth[0, 0] = 0.5
    depths = [truth, np.full((3, 4), 2.0), np.full((3, 4), 4.0)]
    low, high = value_range(np.stack(depths))
    for tile, depth in zip(tiles[1:], depths):
        expected = enlarge(colorize(depth, low, high), HEIGHT, WIDTH)
        assert np.abs(np.int32(tile) - expected).max() <= 2  # exp(log()) rounds
    assert not tiles[1][:, WIDTH // 2 :].any()


def test_a_panel_s_image_has_the_full_range(data):
    data.levels[0] = 0.8
    drawn = evaluator().panel(data, 0)
    np.testing.assert_array_equal(drawn[TITLE, 0], [204, 204, 102])


def test_the_worst_and_the_best_images_are_drawn(data, tmp_path):
    loop = evaluator()
    data.depths[1] = np.full((1, 3, 4), 5.0)
    paths = loop.save_panels(data, loop.evaluate(data), 2, tmp_path)
    # The errors of the fine map are 1, 0.6, 20 and 19.
    names = ["worst_000_00002", "worst_001_00003", "best_000_00001", "best_001_00000"]
    assert [path.name for path in paths] == [f"{name}_colors.png" for name in names]
    for path, index in zip(paths, (2, 3, 1, 0)):
        np.testing.assert_array_equal(read_rgb(path), loop.panel(data, index))
    assert loop.save_panels(data, loop.evaluate(data), 0, tmp_path / "none") == []
