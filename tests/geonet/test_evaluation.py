"""Evaluation's parts: options, where files go, images on their way, what weights tell."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.evaluation import check_options, places_of
from geonet.src.evaluation.reading import (
    BILINEAR,
    LANCZOS,
    read_ahead,
    read_planes,
    windows,
)
from geonet.src.model_utils.errors import InputError

GIVEN = dict.fromkeys(("dataset_dir", "kitti_dir", "gtruth_dir", "pred_file", "pred_dir"), "x")


@pytest.mark.parametrize(
    ("mode", "missing"),
    [
        ("test_depth", "dataset_dir"),
        ("test_pose", "dataset_dir"),
        ("test_flow", "dataset_dir"),
        ("eval_depth", "kitti_dir"),
        ("eval_depth", "pred_file"),
        ("eval_pose", "gtruth_dir"),
        ("eval_pose", "pred_dir"),
        ("eval_flow", "dataset_dir"),
        ("eval_flow", "pred_dir"),
    ],
)
def test_what_a_mode_needs_is_told(mode, missing):
    check_options(mode, GIVEN)
    with pytest.raises(InputError, match=f"^mode {mode} needs --{missing}, "):
        check_options(mode, {**GIVEN, missing: ""})


@pytest.mark.parametrize("mode", ["train_rigid", "train_flow"])
def test_a_mode_of_the_training_is_refused(mode):
    with pytest.raises(
        InputError, match=f"^mode {mode} is one of train.py; eval.py has test_depth"
    ):
        check_options(mode, GIVEN)


def test_files_go_beside_what_is_evaluated_or_where_they_are_told(tmp_path):
    places = places_of("eval_pose", "", "", "", tmp_path)
    assert places.folder == tmp_path
    assert places.metrics_json == tmp_path / "eval_pose_metrics.json"
    assert places.csv_file == tmp_path / "eval_pose_errors.csv"
    moved = places_of("eval_pose", "out/", "numbers.json", "rows.csv", tmp_path)
    assert [str(path) for path in moved] == ["out", "numbers.json", "rows.csv"]


def test_a_place_that_cannot_be_written_is_told_with_its_option(tmp_path):
    (tmp_path / "file").write_text("in the way")
    good, bad = tmp_path / "new" / "folder", tmp_path / "file" / "inside"
    places_of("test_pose", good, "", "", "").check(good)
    for option, given in (
        ("output_dir", (bad, good / "a", good / "b")),
        ("metrics_json", (good, bad / "a", good / "b")),
        ("csv_file", (good, good / "a", bad / "b")),
    ):
        places = places_of("test_pose", *given, "")
        with pytest.raises(InputError, match=f"file cannot be written to; .* --{option}$"):
            places.check(places.folder)
    assert not good.exists()


def test_numbers_are_written_as_json_and_csv(tmp_path, capsys):
    places = places_of("eval_flow", tmp_path / "new", "", "", "")
    places.write([{"scene": "000001", "epe": 0.5}, {"scene": "000002", "epe": ""}], {"epe": 0.5})
    assert places.csv_file.read_text() == "scene,epe\n000001,0.5\n000002,\n"
    assert json.loads(places.metrics_json.read_text()) == {"epe": 0.5}
    assert capsys.readouterr().out == f"wrote {places.metrics_json} and {places.csv_file}\n"
    assert len(list(places.folder.iterdir())) == 2


def photo(path, height=24, width=40, channels=3):
    """A smooth image, written as PNG."""
    shape = (4, 6, 3)[: 2 + (channels == 3)]
    coarse = Image.fromarray(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.mark.parametrize(
    ("ours", "pillow"),
    [(LANCZOS, Image.Resampling.LANCZOS), (BILINEAR, Image.Resampling.BILINEAR)],
)
def test_an_image_is_shrunk_as_pillow_does_it(tmp_path, ours, pillow):
    path = photo(tmp_path / "a.png")
    expected = np.asarray(Image.open(path).resize((16, 8), pillow))
    found = read_planes(path, 8, 16, ours)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected.transpose(2, 0, 1))


def test_a_grey_image_has_three_equal_channels(tmp_path):
    path = photo(tmp_path / "grey.png", channels=1)
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ndim == 2
    red, green, blue = read_planes(path, 8, 16, BILINEAR)
    np.testing.assert_array_equal(red, Image.open(path).resize((16, 8), BILINEAR))
    assert (red == green).all() and (green == blue).all()


def test_reading_ahead_keeps_the_order_and_passes_errors_on():
    assert list(read_ahead(lambda item: item * item, range(50), 3)) == [n * n for n in range(50)]

    def read(item):
        if item == 4:
            raise InputError("4 is broken")
        return item

    found = read_ahead(read, range(50), 2)
    assert [next(found) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="4 is broken"):
        next(found)


def test_reading_ahead_does_not_read_everything_at_once():
    taken = []
    found = read_ahead(lambda item: item, (taken.append(n) or n for n in range(1000)), 2)
    assert next(found) == 0 and len(taken) < 20


def test_windows_begin_with_the_target():
    frames = [np.full((3, 1, 1), number) for number in range(6)]
    found = [window[::3, 0, 0].tolist() for window in windows(frames, 3)]
    assert found == [[1, 0, 2], [2, 1, 3], [3, 2, 4], [4, 3, 5]]
    found = [window[::3, 0, 0].tolist() for window in windows(frames, 5)]
    assert found == [[2, 0, 1, 3, 4], [3, 1, 2, 4, 5]]
    assert list(windows(frames[:2], 3)) == []
