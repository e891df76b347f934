"""Depth's two test sets, predictions in order, what is scored, panels."""

import csv
import json
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.evaluation import depth, places_of
from geonet.src.model_utils.errors import InputError
from geonet.src.model_utils.images import write_png
from geonet.src.sfm_utils.calibration import FOCAL_BY_WIDTH
from tests.geonet import golden_trees
from tests.geonet.predicted import Stub

LIMITS = 1e-3, 80.0
DRIVE = "2011_09_26/2011_09_26_drive_0002_sync"
NO_PANELS = 0, ""


def eigen(folder):
    """The goldens' two frames of KITTI raw as an EigenSet."""
    return depth.open_test_set(folder / "kitti", "eigen", folder / "lists", *LIMITS)


def stereo(folder, **given):
    return depth.open_test_set(folder / "kitti", "stereo", folder / "lists", *LIMITS)


def write_stereo(folder, count=3, width=1224):
    """Scenes of the stereo data whose depth is number + 2 metres, with images of that value."""
    for number in range(count):
        metres = number + 2
        disparity = np.zeros((30, width), np.uint16)
        disparity[5:, 40:] = round(256 * FOCAL_BY_WIDTH[width] * 0.54 / metres)
        write_png(folder / "kitti/training/disp_noc_0" / f"{number:06d}_10.png", disparity)
        image = np.full((30, width, 3), metres - 1, np.uint8)
        write_png(folder / "kitti/training/image_2" / f"{number:06d}_10.png", image)
    return folder


def test_the_ground_truth_of_eigen_is_the_original_s(tmp_path):
    test = eigen(golden_trees.write_eigen(tmp_path))
    expected = golden_trees.arrays("depth_gt")[0]
    for number, target in enumerate(expected):
        np.testing.assert_array_equal(test.target(number), target)


def test_without_images_the_calibration_tells_the_size_of_the_ground_truth(tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    file = folder / "kitti" / "2011_09_26" / "calib_cam_to_cam.txt"
    file.write_text(file.read_text() + "S_rect_02: 2.0e+02 6.0e+01\n")
    for path in (folder / "kitti" / DRIVE / "image_02" / "data").iterdir():
        path.unlink()
    np.testing.assert_array_equal(eigen(folder).target(1), golden_trees.arrays("depth_gt")[0][1])


def test_the_list_of_the_original_gives_the_order_and_without_it_frames_are_sorted(tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    file = folder / "lists" / "test_files_eigen.txt"
    file.write_text("".join(reversed(file.read_text().splitlines(True))))
    assert eigen(folder).names == [f"{DRIVE} 70", f"{DRIVE} 69"]
    file.unlink()
    names = eigen(folder).names
    assert len(names) == 697 and names == sorted(
        names, key=lambda n: (n.split()[0], int(n.split()[1]))
    )


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_images_may_be_png_or_jpg(tmp_path, ending):
    folder = golden_trees.write_eigen(tmp_path)
    for path in (folder / "kitti" / DRIVE / "image_02" / "data").iterdir():
        path.rename(path.with_suffix(ending))
    assert {path.suffix for path in eigen(folder).images()} == {ending}


def test_missing_images_scans_and_calibrations_are_named_with_their_archives(tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    test, kitti = eigen(folder), folder / "kitti"
    assert test.missing_truth() == ""
    (kitti / DRIVE / "velodyne_points/data/0000000070.bin").unlink()
    text = "laser scans: 1 of 2 are missing, first .*0000000070.bin; unpack KITTI's "
    assert re.search(text + "2011_09_26_drive_0002_sync.zip there", test.missing_truth())
    (kitti / "2011_09_26" / "calib_velo_to_cam.txt").unlink()
    text = "calibration files: 1 of 2 are missing, first .*velo_to_cam.txt; unpack KITTI's "
    assert re.search(text + "2011_09_26_calib.zip there", test.missing_truth())
    (kitti / DRIVE / "image_02/data/0000000069.png").unlink()
    text = "images of the split eigen: 1 of 2 are missing, first .*0000000069.png; .*_sync.zip"
    with pytest.raises(InputError, match=text):
        test.images()


def test_scenes_of_stereo_are_those_that_are_there_or_those_of_the_list(tmp_path):
    folder = write_stereo(tmp_path)
    assert stereo(folder).names == ["000000_10", "000001_10", "000002_10"]
    (folder / "lists").mkdir()
    list_file = folder / "lists" / "test_files_stereo.txt"
    list_file.write_text("training/image_2/000002_10.png\ntraining/image_2/000000_10.png\n")
    assert stereo(folder).names == ["000002_10", "000000_10"]
    list_file.write_text("training/image_2/000002_10.png\ntraining/image_2/000002_11.png\n")
    with pytest.raises(InputError, match="test_files_stereo.txt line 2: expected training/image_2"):
        stereo(folder)


def test_without_images_scenes_are_those_with_a_disparity(tmp_path):
    test = stereo(golden_trees.write_stereo(tmp_path))
    assert len(test.names) == 3 and test.missing_truth() == ""
    with pytest.raises(InputError, match="images of the split stereo: 3 of 3 are missing, first"):
        test.images()


@pytest.mark.parametrize(
    ("root", "limits", "text"),
    [
        ("nowhere", LIMITS, "nowhere is missing; expected the folder of the data set stereo"),
        (".", LIMITS, "holds 000000_10.png ...; unpack KITTI's data_scene_flow.zip in"),
        (".", (5, 5), "min_depth 5 is not below max_depth 5"),
    ],
)
def test_no_data_set_is_told(tmp_path, root, limits, text):
    with pytest.raises(InputError, match=text):
        depth.open_test_set(tmp_path / root, "stereo", tmp_path, *limits)


def test_d1_of_known_depths(tmp_path):
    """Half of the true depth: the median scales it; 1 / depth is never near a disparity."""
    test = stereo(write_stereo(tmp_path))
    found = test.result(1, np.full((6, 9), 1.5, np.float32))
    assert found.score.ratio == pytest.approx(2, rel=1e-3)
    assert found.score.metrics["abs_rel"] == pytest.approx(0, abs=1e-6)
    assert found.d1 == (100, 0)


def test_disparities_of_another_width_are_told_at_once(tmp_path, capsys):
    """No focal length is known for them: the run predicts, and says why it does not evaluate."""
    folder = write_stereo(tmp_path)
    write_png(folder / "kitti/training/disp_noc_0/000001_10.png", np.ones((8, 20), np.uint16))
    text = "000001_10.png: width 20 is not one of KITTI 2015"
    assert text in stereo(folder).missing_truth()
    run_test(Stub(), folder, "stereo")
    assert "will not be evaluated: " in capsys.readouterr().out


def test_limits_of_depth_count(tmp_path):
    """Pixels beyond max_depth do not count in eigen."""
    folder = golden_trees.write_eigen(tmp_path)
    near = depth.open_test_set(folder / "kitti", "eigen", folder / "lists", 1e-3, 20.0)
    prediction = golden_trees.arrays("depth_pred")[0][0]
    all_of_it, part = (test.result(0, prediction).score for test in (eigen(folder), near))
    target = eigen(folder).target(0)
    assert part.valid_pixels < all_of_it.valid_pixels <= (target > 0).sum()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.zeros((2, 4, 6), np.float32), "must be above 0"),
        (np.full((2, 4, 6), np.nan, np.float32), "must be above 0"),
        (np.ones((4, 6), np.float32), "is 4x6 float32; expected depths"),
        (np.ones((2, 4, 6), np.int32), "int32; expected depths"),
        (np.array([{}], object), "is damaged or no .npy"),
    ],
)
def test_files_without_depths_are_refused(tmp_path, values, text):
    np.save(tmp_path / "d.npy", values, allow_pickle=True)
    with pytest.raises(InputError, match=f"d.npy .*{text}"):
        depth.read_depths(tmp_path / "d.npy")


def test_a_missing_file_of_depths_is_told(tmp_path):
    with pytest.raises(InputError, match="none.npy is missing; --mode test_depth writes it"):
        depth.read_depths(tmp_path / "none.npy")


def test_another_number_of_predictions_is_told(tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    places = places_of("eval_depth", tmp_path, "", "", "")
    with pytest.raises(InputError, match="1 predictions for the 2 frames of eigen in .*kitti"):
        depth.score(np.ones((1, 4, 6), np.float32), eigen(folder), places, [], NO_PANELS)


def run_test(model, folder, split, kitti_dir="", panels=NO_PANELS):
    places = places_of("test_depth", folder / "out", "", "", "")
    test_set = split, folder / "lists", *LIMITS
    depth.test(model, folder / "kitti", kitti_dir, test_set, places, 2, panels)
    return np.load(folder / "out" / "model-7.npy"), places


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_predictions_follow_the_list_whatever_the_batch(tmp_path, capsys, batch_size):
    model = Stub(batch_size=batch_size)
    found, places = run_test(model, write_stereo(tmp_path), "stereo")
    assert found.dtype == np.float32 and found.shape == (3, 16, 32)
    assert found[:, 3, 4].tolist() == [2, 3, 4] and model.checked == ["depth"]
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("processing: 0/3") == 1
    # The same run evaluates: these depths are true.
    assert lines[-4].split(",")[0].strip() == "abs_rel"
    assert float(lines[-3].split(",")[0]) == 0
    with places.csv_file.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["000000_10", "000001_10", "000002_10"]
    means = json.loads(places.metrics_json.read_text())
    assert means["images"] == 3 and means["d1_all_scaled"] == 0 and means["d1_all_unscaled"] == 100


def test_images_are_shrunk_as_in_the_original(tmp_path):
    folder, model = write_stereo(tmp_path), Stub()
    path = folder / "kitti/training/image_2/000001_10.png"
    image = np.random.default_rng(0).integers(0, 256, (30, 1224, 3), np.uint8)
    Image.fromarray(image).save(path)
    run_test(model, folder, "stereo")
    expected = np.asarray(Image.fromarray(image).resize((32, 16), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(model.seen[0][1], expected.transpose(2, 0, 1))


def test_without_ground_truth_the_run_says_how_to_evaluate_later(tmp_path, capsys):
    folder = golden_trees.write_eigen(tmp_path)
    (folder / "kitti" / DRIVE / "velodyne_points/data/0000000070.bin").unlink()
    found, places = run_test(Stub(), folder, "eigen")
    assert found[:, 0, 0].tolist() == [61, 61] and not places.metrics_json.exists()
    out = capsys.readouterr().out
    assert "the predictions will not be evaluated: laser scans: 1 of 2 are missing" in out
    command = "--mode eval_depth --split eigen --kitti_dir KITTI --pred_file"
    assert f"to evaluate them: python eval.py {command} {folder / 'out' / 'model-7.npy'}" in out


def test_ground_truth_may_be_elsewhere_but_must_then_be_complete(tmp_path, capsys):
    folder = golden_trees.write_eigen(tmp_path)
    scans = folder / "kitti" / DRIVE / "velodyne_points"
    other = tmp_path / "other"
    (other / DRIVE).mkdir(parents=True)
    scans.rename(other / DRIVE / "velodyne_points")
    model = Stub()
    with pytest.raises(InputError, match="^kitti_dir: calibration files: 2 of 2 are missing"):
        run_test(model, folder, "eigen", other)
    assert not model.seen, "told before anything is computed"
    for path in (folder / "kitti" / "2011_09_26").glob("*.txt"):
        text = path.read_text()
        (other / "2011_09_26" / path.name).write_text(text + "S_rect_02: 200 60\n")
    run_test(model, folder, "eigen", other)
    assert "   abs_rel,     sq_rel," in capsys.readouterr().out


def test_scenes_elsewhere_must_be_the_same(tmp_path):
    folder, other = write_stereo(tmp_path / "a"), write_stereo(tmp_path / "b", count=2)
    with pytest.raises(InputError, match="the 2 scenes of kitti_dir .* are not the 3 of dataset"):
        run_test(Stub(), folder, "stereo", other / "kitti")


def test_panels_show_the_worst_and_the_best_image(tmp_path):
    folder = write_stereo(tmp_path)
    image = folder / "kitti/training/image_2/000001_10.png"
    Image.fromarray(np.uint8(np.tile(np.arange(1224) // 9, (30, 1)))).convert("RGB").save(image)
    run_test(Stub(), folder, "stereo", panels=(1, tmp_path / "panels"))
    worst, best = (cv2.imread(str(tmp_path / "panels" / f"{n}1.png")) for n in ("worst", "best"))
    assert worst.shape == best.shape and worst.shape[1] == 1280
    assert not np.array_equal(worst, best)
    assert worst[24 + 8, 600].mean() > best[24 + 8, 600].mean() + 50, "its own image is shown"


def test_a_panel_s_prediction_is_scaled_as_it_is_scored(tmp_path):
    """Half of the true depth everywhere is right up to scale: it looks like the truth, no error."""
    folder = write_stereo(tmp_path, count=1)
    images = stereo(folder).images()
    places = places_of("eval_depth", tmp_path, "", "", "")
    prediction = np.full((1, 6, 9), 1, np.float32)
    depth.score(prediction, stereo(folder), places, images, (1, tmp_path / "panels"))
    panel = cv2.imread(str(tmp_path / "panels" / "worst1.png")).astype(int)
    height = (panel.shape[0] - 4 * 24) // 2
    upper, lower = panel[24 : 24 + height], panel[height + 72 : 2 * height + 72]
    predicted, truth, error = upper[-3, 1000], lower[-3, 360], lower[-3, 1000]
    assert np.abs(predicted - truth).max() <= 8, (predicted, truth)
    assert error.max() < 16
