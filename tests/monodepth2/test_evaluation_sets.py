"""Evaluation of test sets: where files go, how depth is scaled, which images and ground truth."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from monodepth2.src.datasets.gt_depths import write_gt_depths
from monodepth2.src.evaluation import places_of
from monodepth2.src.evaluation.depth import TestSet
from monodepth2.src.evaluation.panels import write_panels
from monodepth2.src.evaluation.protocols import StereoProtocol, choose_protocol
from monodepth2.src.evaluation.reports import score_all
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.depth_evaluation import DepthScore
from monodepth2.src.sfm_utils.lists import Frame
from monodepth2.src.sfm_utils.report_parts import DepthResults

TestSet.__test__ = False
DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
MONO = {"mono": True, "stereo": False}
STEREO = {"mono": False, "stereo": True}


def test_a_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    places = places_of("eigen", "~/w", "", "", "")
    assert places.folder == tmp_path / "w" == places.csv_file.parent
    assert places_of("eigen", "w", "", "~/m.json", "").metrics_json == tmp_path / "m.json"


def test_only_the_folders_that_are_written_must_be_writable(monkeypatch, tmp_path):
    weights, other = tmp_path / "weights", tmp_path / "other"
    weights.mkdir()
    monkeypatch.setattr("os.access", lambda path, _: path != weights)
    numbers = str(other / "new" / "m.json"), str(other / "e.csv")
    places = places_of("eigen", weights, "", *numbers)
    places.check(uses_folder=False)
    with pytest.raises(InputError, match="weights cannot be written to; .* --eval_out_dir"):
        places.check(uses_folder=True)
    places_of("eigen", weights, other, "", "").check(uses_folder=True)
    with pytest.raises(InputError, match="--csv_file"):
        places_of("eigen", weights, "", numbers[0], "").check(uses_folder=False)


def test_stereo_takes_the_scale_of_the_weights(capsys):
    assert choose_protocol("eigen", **STEREO, metric_scale=2.5).factor == 2.5
    assert choose_protocol("eigen", **MONO, metric_scale=None).factor == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("split", "kind"), [("eigen", STEREO), ("benchmark", MONO)])
def test_metres_of_weights_that_have_none_are_warned_of(capsys, split, kind):
    protocol = choose_protocol(split, **kind, metric_scale=None)
    assert protocol.factor == (5.4 if kind is STEREO else 1)
    assert capsys.readouterr().out.startswith("Warning: these weights were not trained on stereo")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (MONO, "Mono evaluation - using median scaling"),
        (STEREO, "Stereo evaluation - disabling median scaling, scaling by 5.4"),
        ({**STEREO, "metric_scale": 2.5}, "Stereo evaluation - disabling .*, scaling by 2.5"),
        ({**MONO, "keep_scale": True, "factor": 5.4}, "Mono evaluation - .*, scaling by 5.4"),
    ],
)
def test_the_line_says_how_depth_is_scaled(capsys, options, line):
    maps, targets = np.full((1, 40, 60), 0.5, np.float32), np.full((1, 40, 60), 2.0)
    score_all(maps, targets, [Frame(DRIVE, 0, "l")], choose_protocol("eigen", **options))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "-> Evaluating"
    assert re.fullmatch(f"   {line}", out[1])


def test_stereo_keeps_its_name_through_a_change():
    assert isinstance(replace(choose_protocol("eigen", **STEREO), factor=2.0), StereoProtocol)


def make(folder, sizes, shapes, ending=".jpg"):
    """A drive of images and the ground truth of a list of them."""
    images = folder / DRIVE / "image_02" / "data"
    images.mkdir(parents=True)
    for number, (height, width) in enumerate(sizes):
        image = np.zeros((height, width, 3), np.uint8)
        cv2.imwrite(str(images / f"{number:010d}{ending}"), image)
    (folder / "eigen").mkdir()
    lines = [f"{DRIVE} {number} l\n" for number in range(len(shapes))]
    (folder / "eigen" / "test_files.txt").write_text("".join(lines))
    write_gt_depths(folder / "eigen" / "gt_depths.npz", [np.ones(s, np.float32) for s in shapes])
    return TestSet("eigen", folder, folder)


def test_ground_truth_of_another_list_is_noticed_by_the_images_sizes(tmp_path):
    test = make(tmp_path, [(8, 20), (9, 21)], [(9, 21), (8, 20)])
    with pytest.raises(InputError, match=r"map 0 is 9x21, .*0000000000.jpg is 8x20; write it anew"):
        test.check_order(test.images())


def test_shrunk_images_are_no_other_list(tmp_path):
    test = make(tmp_path, [(4, 10), (4, 10)], [(9, 21), (8, 20)])
    test.check_order(test.images())


def test_ground_truth_of_another_length_is_told(tmp_path):
    test = make(tmp_path, [(8, 20)] * 2, [(8, 20)] * 2)
    (tmp_path / "eigen" / "test_files.txt").write_text(f"{DRIVE} 0 l\n")
    with pytest.raises(InputError, match="has 2 depth maps for 1 frames of eigen; write it anew"):
        _ = TestSet("eigen", tmp_path, tmp_path).targets
    assert len(test.targets) == 2


def test_every_archive_that_lacks_is_named(tmp_path):
    test = make(tmp_path, [(8, 20)], [(8, 20)] * 3)
    text = (tmp_path / "eigen" / "test_files.txt").read_text()
    other = "2011_09_28/2011_09_28_drive_0002_sync"
    (tmp_path / "eigen" / "test_files.txt").write_text(f"{text}{other} 4 l\n")
    test = TestSet("eigen", tmp_path, tmp_path)
    archives = "2011_09_26_drive_0001_sync.zip, 2011_09_28_drive_0002_sync.zip"
    with pytest.raises(InputError, match=f"^3 of 4 images .* unpack KITTI's {archives} there"):
        test.images()


@pytest.mark.parametrize("png", [False, True])
def test_png_chooses_where_both_kinds_are_there(tmp_path, png):
    make(tmp_path, [(8, 20)], [(8, 20)])
    jpg = tmp_path / DRIVE / "image_02" / "data" / "0000000000.jpg"
    jpg.with_suffix(".png").write_bytes(jpg.read_bytes())
    (found,) = TestSet("eigen", tmp_path, tmp_path, png=png).images()
    assert found.suffix == (".png" if png else ".jpg")


_PACKED = "test_depth_prediction_anonymous"


@pytest.mark.parametrize("packed", ["", _PACKED, f"depth_selection/{_PACKED}"])
def test_the_benchmark_s_archive_is_taken_as_it_unpacks(tmp_path, packed):
    folder = tmp_path / packed / "image"
    folder.mkdir(parents=True)
    test = TestSet("benchmark", tmp_path / "no_splits", tmp_path)
    assert len(test.frames) == 500
    text = r"500 of 500 .*/image/0000000000.jpg .*data_depth_selection.zip"
    with pytest.raises(InputError, match=text):
        test.images()
    for number in range(500):
        (folder / f"{number:010d}.png").touch()
    assert test.images()[499] == folder / "0000000499.png"


def test_nothing_is_scored_with_no_eval(capsys):
    test = TestSet("eigen", "nowhere", "nowhere", needs_truth=False)
    test.evaluate([], choose_protocol("eigen", **MONO), None)
    assert capsys.readouterr().out == "-> Evaluation disabled. Done.\n"


def test_the_server_s_images_are_in_metres_of_the_weights(tmp_path):
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "test_files.txt").write_text("image 0\n")
    test = TestSet("benchmark", tmp_path, tmp_path)
    disparities = np.full((1, 4, 6), 0.5, np.float32)
    for kind, scale, metres in ((STEREO, 2.5, 5), (MONO, 2.5, 10.8), (STEREO, None, 10.8)):
        protocol = choose_protocol("benchmark", **kind, metric_scale=scale)
        test.evaluate(disparities, protocol, places_of("benchmark", tmp_path, "", "", ""))
        file = tmp_path / "benchmark_predictions" / "0000000000.png"
        assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).max() == int(256 * metres)


def test_a_panel_shows_the_truth_whatever_was_predicted(tmp_path):
    """The colours of near and far points differ, though the prediction is off by 100."""
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), np.zeros((40, 120, 3), np.uint8))
    truth = np.zeros((40, 120), np.float32)
    truth[20:38, 20:50], truth[20:38, 70:100] = 5, 50
    protocol = choose_protocol("eigen", **MONO, keep_scale=True)
    scores = [DepthScore({"abs_rel": 1.0}, 100, 1.0)]
    disparities = np.full((1, 4, 6), 20, np.float32)
    found = [image], ["name"], [truth].__getitem__, disparities, scores, protocol, None
    write_panels(tmp_path, DepthResults(*found), 1)
    panel = cv2.imread(str(tmp_path / "worst1.png")).astype(int)
    tile = panel[-24 - 213 :, :640]
    near, far = tile[150, 180], tile[150, 450]
    assert np.abs(near - far).sum() > 200
