"""generate_pose_snippets.py: true poses as text, a file for each snippet."""

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation.pose_snippets import generate, parse
from geonet.src.sfm_utils.snippets import evaluate_snippet_files
from tests.synthetic.reading_kitti import files_below


def options(dataset_dir, output_dir, more=""):
    return parse("", f"--dataset_dir={dataset_dir} --output_dir={output_dir} {more}".split())


def write_sequence(root, poses, times, number=9):
    """Poses (N, 3, 4) and times of a sequence without images."""
    (root / "poses").mkdir(parents=True)
    (root / "sequences" / f"{number:02d}").mkdir(parents=True)
    np.savetxt(root / "poses" / f"{number:02d}.txt", np.reshape(poses, (-1, 12)))
    np.savetxt(root / "sequences" / f"{number:02d}" / "times.txt", times)


def straight_on(count):
    """A camera that looks along the world's x and is moved by 2 m along its z per frame."""
    poses = np.zeros((count, 3, 4))
    poses[:, :, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    poses[:, 2, 3] = 2 * np.arange(count)
    return poses


def test_the_originals_defaults():
    found = options("O", "S")
    assert (found.seq_id, found.seq_length) == (9, 5)
    assert options("O", "S", "--seq_id=09").seq_id == 9


def test_places_are_in_the_frame_of_the_first_camera(tmp_path):
    """The world's z is to the left of this camera: its x falls by 2 m per frame."""
    write_sequence(tmp_path, straight_on(4), [0, 0.1, 0.25, 0.3])
    generate(options(tmp_path, tmp_path / "out", "--seq_length=3"))
    assert files_below(tmp_path / "out") == ["000000.txt", "000001.txt"]
    rows = np.loadtxt(tmp_path / "out" / "000001.txt")
    expected = [[0.1, 0, 0, 0], [0.25, -2, 0, 0], [0.3, -4, 0, 0]]
    np.testing.assert_allclose(rows[:, :4], expected, atol=1e-6)
    np.testing.assert_allclose(rows[:, 4:], [[0, 0, 0, 1]] * 3, atol=1e-6)


def test_the_snippets_are_those_of_another_writer(video, tmp_path, capsys):
    """tests/synthetic writes snippets of 3 frames of the same drive."""
    generate(options(f"{video}/odometry/", f"{tmp_path}/out/", "--seq_length=3"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Progress: 0/18"
    assert lines[-1] == f"18 snippets of 3 frames in {tmp_path}/out"
    theirs = video / "stageone" / "eval" / "09_snippets"
    assert files_below(tmp_path / "out") == files_below(theirs)
    for name in files_below(theirs):
        ours = np.loadtxt(tmp_path / "out" / name)
        np.testing.assert_allclose(ours, np.loadtxt(theirs / name), atol=2e-5)
    assert not evaluate_snippet_files(theirs, tmp_path / "out").unmatched


def test_a_line_for_each_hundred(tmp_path, capsys):
    write_sequence(tmp_path, straight_on(204), np.arange(204) / 10)
    generate(options(tmp_path, tmp_path / "out"))
    out = capsys.readouterr().out
    assert "Progress: 100/200  (" in out
    assert "Progress: 200/200  (" in out
    assert len(files_below(tmp_path / "out")) == 200


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda root: (root / "poses" / "09.txt").unlink(), "poses/09.txt is missing"),
        (lambda root: (root / "poses" / "09.txt").write_text("1 2 3\n"), "09.txt line 1: expected"),
        (
            lambda root: (root / "sequences" / "09" / "times.txt").write_text("0\n0.1\n"),
            "times.txt has 2 times, but the sequence has 4 frames",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_named_and_nothing_is_written(tmp_path, damage, text):
    write_sequence(tmp_path, straight_on(4), np.arange(4))
    damage(tmp_path)
    with pytest.raises(InputError, match=text):
        generate(options(tmp_path, tmp_path / "out", "--seq_length=3"))
    assert not (tmp_path / "out").exists()


def test_a_sequence_that_is_too_short(tmp_path):
    write_sequence(tmp_path, straight_on(4), np.arange(4))
    with pytest.raises(InputError, match=r"09.txt has 4 poses; --seq_length 5 needs as many"):
        generate(options(tmp_path, tmp_path / "out"))
