"""Sequences and their snippets: which images, which poses, the path as a whole, what is scored."""

import json
import math

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.evaluation import places_of, pose, snippets
from geonet.src.model_utils.errors import InputError
from geonet.src.model_utils.images import write_png
from geonet.src.sfm_utils.rotations import pose_from_vector, vector_from_pose
from geonet.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from tests.geonet import golden_trees
from tests.geonet.golden_trees import EXPECTED
from tests.geonet.predicted import Stub

COUNT = EXPECTED["odom"]["n_frames"]


def write_images(folder, camera="image_2", count=COUNT, ending=".png"):
    """Images of sequence 09 with the frame's number as their grey value."""
    for number in range(count):
        image = np.full((20, 40, 3), number, np.uint8)
        path = folder / "sequences" / "09" / camera / f"{number:06d}{ending}"
        write_png(path, image if camera != "image_0" else image[..., 0])
    return folder


@pytest.fixture
def odometry(tmp_path):
    """Sequence 09 of the goldens with images and poses."""
    return write_images(golden_trees.write_odometry(tmp_path / "odometry"))


def run_test(model, folder, out, gtruth_dir=""):
    places = places_of("test_pose", out, "", "", "")
    pose.test(model, folder, 9, "auto", gtruth_dir, places, 2)
    return places


def test_each_target_is_seen_with_its_neighbours(odometry, tmp_path):
    model = Stub(batch_size=3, seq_length=5)
    run_test(model, odometry, tmp_path / "out")
    seen = np.concatenate(model.seen)[:, ::3, 0, 0].tolist()
    assert seen == [[t, t - 2, t - 1, t + 1, t + 2] for t in range(2, COUNT - 2)]
    assert model.checked == ["pose"]


def test_images_are_shrunk_as_in_the_original(odometry, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    Image.fromarray(image).save(odometry / "sequences/09/image_2/000001.png")
    model = Stub()
    run_test(model, odometry, tmp_path / "out")
    expected = np.asarray(Image.fromarray(image).resize((32, 16), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(model.seen[0][0, :3], expected.transpose(2, 0, 1))


@pytest.mark.parametrize("length", [3, 5])
def test_snippets_are_those_of_the_original(odometry, tmp_path, length):
    """Of the goldens' predicted poses; two of the goldens' files have other times than ours."""
    model, out = Stub(batch_size=4, seq_length=length), tmp_path / "out"
    (poses,) = golden_trees.arrays(f"pred_poses_seq{length}")
    waiting = list(poses)
    model.poses = lambda: lambda images: np.stack([waiting.pop(0) for _ in images])
    run_test(model, odometry, out)
    expected = EXPECTED["ate"][str(length)]["pred_snippets"]
    assert len(list(out.glob("[0-9]*.txt"))) == COUNT - length + 1
    for name in ("000000.txt", f"{COUNT - length:06d}.txt"):
        got, want = ((out / name).read_text().split(), expected[name].split())
        np.testing.assert_allclose(np.float64(got), np.float64(want), rtol=0, atol=1.01e-6)


def test_the_snippets_error_is_that_of_eval_pose(odometry, tmp_path, capsys):
    places = run_test(Stub(), odometry, tmp_path / "out")
    lines = capsys.readouterr().out.splitlines()
    (ours,) = [line for line in lines if line.startswith("ATE mean: ")]
    assert f"Predictions dir: {tmp_path / 'out'}" in lines
    golden_trees.write_snippets(tmp_path / "truth", tmp_path / "unused", 3)
    snippets.evaluate_files(tmp_path / "truth", tmp_path / "out", places)
    assert ours in capsys.readouterr().out.splitlines()


def test_true_snippets_may_be_given(odometry, tmp_path, capsys):
    golden_trees.write_snippets(tmp_path / "truth" / "09", tmp_path / "unused", 3)
    run_test(Stub(), odometry, tmp_path / "a")
    made = capsys.readouterr().out
    (odometry / "poses" / "09.txt").unlink()
    places = run_test(Stub(), odometry, tmp_path / "b", tmp_path / "truth")
    given = capsys.readouterr().out
    (line,) = [line for line in given.splitlines() if line.startswith("ATE mean: ")]
    assert line in made and "Whole sequence" in made and "Whole sequence" not in given
    assert json.loads(places.metrics_json.read_text()).keys() == {"ate_mean", "ate_std", "snippets"}


def test_without_the_truth_snippets_and_path_are_written(odometry, tmp_path, capsys):
    (odometry / "poses" / "09.txt").unlink()
    places = run_test(Stub(), odometry, tmp_path / "out")
    out = capsys.readouterr().out
    assert "no poses/09.txt; to evaluate the snippets: python kitti_eval/eval_pose.py" in out
    assert "ATE" not in out and not places.metrics_json.exists()
    path = read_tum(tmp_path / "out" / "odom_09_tum.txt")
    np.testing.assert_allclose(path.world_from_camera[:, :3, 3], [[0, 0, n] for n in range(COUNT)])
    assert cv2.imread(str(tmp_path / "out" / "odom_09.png")).shape == (640, 640, 3)


def true_vectors(world_from_camera, length):
    """What a perfect network predicts for a path."""
    half, found = length // 2, []
    for target in range(half, len(world_from_camera) - half):
        offsets = [offset for offset in range(-half, half + 1) if offset]
        sources = np.linalg.inv(world_from_camera[[target + offset for offset in offsets]])
        found.append(vector_from_pose(sources @ world_from_camera[target]))
    return np.float32(found)


@pytest.mark.parametrize("length", [3, 5])
def test_a_perfect_network_has_no_error(odometry, tmp_path, capsys, length):
    truth = read_kitti_poses(odometry / "poses" / "09.txt")
    vectors = true_vectors(truth, length)
    vectors[..., :3] /= 4  # any scale
    model, waiting = Stub(batch_size=2, seq_length=length), list(vectors)
    model.poses = lambda: lambda images: np.stack([waiting.pop(0) for _ in images])
    places = run_test(model, odometry, tmp_path / "out")
    numbers = json.loads(places.metrics_json.read_text())
    assert numbers["ate_mean"] < 1e-4 and numbers["snippets"] == COUNT - length + 1
    assert numbers["ate_rmse"] < 1e-4 and numbers["rotation_degrees"] < 1e-3
    assert numbers["scale"] == pytest.approx(4, rel=1e-4)
    first = length // 2 - 1  # frames without a neighbour on one side belong to no step
    assert numbers["frames"] == COUNT - 2 * first
    found = read_kitti_poses(tmp_path / "out" / "odom_09_kitti.txt")
    np.testing.assert_allclose(found, truth[first : COUNT - first], atol=1e-3)
    times = np.float64(EXPECTED["odom"]["times_txt"].split())
    path = read_tum(tmp_path / "out" / "odom_09_tum.txt")
    np.testing.assert_allclose(path.times, times[first : COUNT - first])
    assert "Whole sequence, 7-DoF alignment: ATE 0.00 m, scale 4.00" in capsys.readouterr().out


def test_the_path_takes_the_backward_pose_and_at_its_end_the_forward_one():
    vectors = np.zeros((3, 2, 6))
    vectors[:, 0, 2], vectors[:, 1, 2] = [1, 2, 3], [-10, -20, -30]
    path = pose.path_of(vectors)
    assert path.times.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(path.world_from_camera[:, 2, 3], [0, 1, 3, 6, 36])


def test_progress_is_the_original_s(odometry, tmp_path, capsys):
    run_test(Stub(batch_size=2), odometry, tmp_path / "out")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Progress")] == [f"Progress: 0/{COUNT}"]


def test_snippets_of_an_earlier_run_are_told(odometry, tmp_path, capsys):
    run_test(Stub(), odometry, tmp_path / "out")
    assert "another run" not in capsys.readouterr().out
    run_test(Stub(seq_length=5), odometry, tmp_path / "out")
    text = "holds 2 snippets of another run, first 000005.txt: eval_pose compares them, too"
    assert text in capsys.readouterr().out


def images_of(folder, camera):
    return pose.open_sequence(folder, 9, camera, 3).images


def test_the_colour_camera_comes_before_the_grey_one(tmp_path):
    folder = golden_trees.write_odometry(tmp_path)
    write_images(folder, "image_0")
    assert images_of(folder, "auto")[0].parent.name == "image_0"
    write_images(folder, "image_2")
    assert images_of(folder, "auto")[0].parent.name == "image_2"
    assert images_of(folder, "image_0")[8] == folder / "sequences/09/image_0/000008.png"


def test_images_may_be_jpg(tmp_path):
    folder = write_images(golden_trees.write_odometry(tmp_path), ending=".jpg")
    assert images_of(folder, "auto")[8].name == "000008.jpg"


def test_what_a_sequence_lacks_is_told_with_its_archive(tmp_path):
    folder = tmp_path / "odometry"
    with pytest.raises(InputError, match="times.txt is missing; unpack .*data_odometry_calib.zip"):
        images_of(folder, "auto")
    golden_trees.write_odometry(folder)
    text = "9 of 9 images are missing, first .*image_2/000000.png; times.txt .*_color.zip"
    with pytest.raises(InputError, match=text):
        images_of(folder, "auto")
    write_images(folder, "image_0", count=7)
    text = "2 of 9 images are missing, first .*image_0/000007.png; times.txt .*_gray.zip"
    with pytest.raises(InputError, match=text):
        images_of(folder, "auto")
    with pytest.raises(InputError, match="times.txt has 9 times, seq_length is 11: the sequence"):
        pose.open_sequence(folder, 9, "auto", 11)


def test_another_number_of_poses_than_images_is_told(odometry):
    file = odometry / "poses" / "09.txt"
    file.write_text("".join(file.read_text().splitlines(True)[:5]))
    with pytest.raises(InputError, match="09.txt has 5 poses, .*09/times.txt 9 times; use"):
        images_of(odometry, "auto")


def test_more_images_than_times_are_told(odometry):
    file = odometry / "sequences" / "09" / "times.txt"
    file.write_text("".join(file.read_text().splitlines(True)[:5]))
    with pytest.raises(InputError, match="09/times.txt ends before .*image_2/000005.png"):
        images_of(odometry, "auto")


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


@pytest.mark.parametrize(
    ("files", "given", "found"),
    [
        (["000003.txt"], "", ""),
        (["000003.txt"], "09", ""),
        (["09/000003.txt"], "", "09"),
        (["09/000003.txt"], "09", "09"),
        (["09/000003.txt", "10/other.txt", "notes.txt"], "", "09"),
        (["000003.txt", "09/000003.txt"], "", ""),
    ],
)
def test_true_snippets_are_found_one_folder_deeper_or_higher(tmp_path, files, given, found):
    folder = tmp_path / "09_snippets"
    write(folder, *files)
    assert snippets.snippet_folder(folder / given, {"000003.txt"}) == folder / found


def test_several_sequences_of_true_snippets_are_told(tmp_path):
    write(tmp_path, "09/000003.txt", "10/000003.txt")
    with pytest.raises(InputError, match="several sequences, .*/09, .*/10: give one"):
        snippets.snippet_folder(tmp_path, {"000003.txt"})


def test_nothing_to_compare_is_told(tmp_path):
    places = places_of("eval_pose", tmp_path, "", "", "")
    with pytest.raises(InputError, match="pred_dir .*pred holds no .txt; --mode test_pose writes"):
        snippets.evaluate_files(tmp_path / "truth", tmp_path / "pred", places)
    write(tmp_path, "pred/000007.txt", "pred/odom_09_tum.txt", "truth/000001.txt")
    text = "truth has no file of the 2 predicted ones, such as 000007.txt; .*generate_pose_snippets"
    with pytest.raises(InputError, match=text):
        snippets.evaluate_files(tmp_path / "truth", tmp_path / "pred", places)


def test_a_camera_that_stands_still_in_all_snippets_is_told(tmp_path):
    lines = "".join(f"{n} 0 0 0 0 0 0 1\n" for n in range(3))
    for folder in ("truth", "pred"):
        write(tmp_path, f"{folder}/000000.txt")
        (tmp_path / folder / "000000.txt").write_text(lines)
    places = places_of("eval_pose", tmp_path / "out", "", "", "")
    with pytest.raises(InputError, match="none of the 1 snippets in .* counts: .* stands still"):
        snippets.evaluate_files(tmp_path / "truth", tmp_path / "pred", places)
    assert not (tmp_path / "out").exists()


def test_a_snippet_s_poses_lead_from_each_frame_to_the_first(odometry, tmp_path):
    """Half a turn at once would be lost if a pose were inverted twice or not at all."""
    turn = np.array([0, 0, -1.0, 0, math.radians(10), 0])
    model = Stub(seq_length=3)
    inverse = vector_from_pose(np.linalg.inv(pose_from_vector(turn)))
    model.poses = lambda: lambda images: np.tile(np.stack([inverse, turn]), (len(images), 1, 1))
    run_test(model, odometry, tmp_path / "out")
    found = read_tum(tmp_path / "out" / "000000.txt").world_from_camera
    step = np.linalg.inv(pose_from_vector(turn))
    np.testing.assert_allclose(found, [np.eye(4), step, step @ step], atol=1e-5)


@pytest.mark.parametrize(("frames", "is_told"), [(3, False), (5, True)])
def test_snippets_of_another_length_are_told(tmp_path, capsys, frames, is_told):
    for folder, count in (("predicted", 3), ("true", frames)):
        lines = [f"{n / 10} 0 0 {n}.0 0 0 0 1" for n in range(count)]
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "000000.txt").write_text("\n".join(lines))
    lines = [f"{n / 10} 0 {0.1 * n} {n}.0 0 0 0 1" for n in range(3)]
    (tmp_path / "predicted" / "000000.txt").write_text("\n".join(lines))
    snippets.score_snippets(tmp_path / "true", tmp_path / "predicted")
    told = "the predicted snippets have 3 frames, the true ones 5" in capsys.readouterr().out
    assert told == is_told
