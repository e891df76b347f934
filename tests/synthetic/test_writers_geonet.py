"""KITTI's odometry benchmark, GeoNet's tree, and all of KITTI's trees of the same drives."""

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from tests.synthetic.__main__ import main
from tests.synthetic.drives import drive
from tests.synthetic.kitti_rig import rig
from tests.synthetic.reading_kitti import (
    FIRST,
    FRAMES,
    HEIGHT,
    SECOND,
    SMALL,
    files_below,
    read,
    read_keys,
    read_poses,
    seen,
)


@pytest.fixture(scope="module")
def odometry(tmp_path_factory):
    out = tmp_path_factory.mktemp("kitti") / "odometry"
    main(["kitti_odom", str(out), *SMALL, "--sequences", "1", "--test", "1", "--seed", "5"])
    return out


@pytest.mark.parametrize("number", [0, 9])
def test_odometry_poses_are_the_true_ones(odometry, number):
    poses = read_poses(odometry / f"poses/{number:02d}.txt")
    _, ego = drive((5, 32, number))
    true = np.stack([ego.pose(frame) for frame in range(FRAMES)])
    np.testing.assert_allclose(poses[0], np.eye(4), atol=1e-12)
    # The chain from one camera to the next, put together again, is the way in the world.
    at = true[0]
    for before, after, expected in zip(poses, poses[1:], true[1:]):
        at = at @ np.linalg.inv(before) @ after
        np.testing.assert_allclose(at, expected, atol=1e-4)


def test_an_odometry_sequence(odometry):
    folder = odometry / "sequences/09"
    assert len((folder / "times.txt").read_text().splitlines()) == FRAMES
    np.testing.assert_allclose(
        np.loadtxt(folder / "times.txt"), 0.1036 * np.arange(FRAMES), atol=1e-6
    )
    keys = read_keys(folder / "calib.txt")
    assert list(keys) == ["P0", "P1", "P2", "P3", "Tr"] and {len(x) for x in keys.values()} == {12}
    there = rig("2011_09_30", HEIGHT)
    np.testing.assert_array_equal(keys["P2"].reshape(3, 4), there.P_rect[2])
    np.testing.assert_allclose(keys["Tr"].reshape(3, 4), there.rect_from_scanner[:3], atol=1e-6)
    for camera in (0, 2, 3):
        names = [path.name for path in sorted((folder / f"image_{camera}").iterdir())]
        assert names == [f"{number:06d}.png" for number in range(FRAMES)]
        rgb = seen((5, 32, 9), camera, 3, "2011_09_30")[1].rgb
        image = read(folder / f"image_{camera}/000003.png")
        np.testing.assert_array_equal(
            image, rgb if camera else cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        )
    # Sequence 00 was recorded on another day, with larger images.
    assert read(odometry / "sequences/00/image_2/000000.png").shape == (75, 248, 3)
    assert read(odometry / "sequences/09/image_2/000000.png").shape == (74, 245, 3)
    lists = {
        path.name: path.read_text().split("\n")[:-1]
        for path in (odometry / "splits/odom").iterdir()
    }
    assert set(lists) == {"train_files.txt", "val_files.txt", "test_files_09.txt"}
    assert lists["test_files_09.txt"] == [f"9 {n} l" for n in range(FRAMES - 1)]
    both = sorted(lists["train_files.txt"] + lists["val_files.txt"])
    assert both == sorted(f"0 {n} l" for n in range(1, FRAMES - 1))


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    out = tmp_path_factory.mktemp("kitti") / "all"
    more = ["--drives", "2", "--test", "1", "--laser", "60", "--images", "png", "--seed", "5"]
    main(["kitti_video", str(out), *SMALL[:1], "7", *SMALL[2:], *more])
    return out


def test_one_rendering_serves_all_trees(everything):
    raw, odometry, stage = (everything / name for name in ("raw", "odometry", "stageone"))
    names = sorted(path.name for path in raw.glob("2011*/2011*_sync"))
    assert names == [FIRST, SECOND, "2011_09_29_drive_0003_sync"]
    for name, number in zip(names, (0, 1, 9)):
        for camera in (2, 3):
            here = raw / name[:10] / name / f"image_0{camera}/data/0000000005.png"
            there = odometry / f"sequences/{number:02d}/image_{camera}/000005.png"
            assert here.read_bytes() == there.read_bytes()
    tested = stage / "test/sequences/09/image_2/000005.png"
    assert (
        tested.read_bytes()
        == there.with_name("000005.png").parents[1].joinpath("image_2/000005.png").read_bytes()
    )
    assert (stage / "test/poses/09.txt").read_text() == (odometry / "poses/09.txt").read_text()
    listed = (raw / "lists/test_scenes_eigen.txt").read_text()
    assert listed == "2011_09_29_drive_0003\n"
    alone = everything.parent / "alone"
    more = ["--drives", "2", "--test", "1", "--laser", "60", "--seed", "5"]
    main(["kitti_drives", str(alone), "--frames", "7", *SMALL[2:], *more])
    for path in files_below(alone):
        if path != ".complete":
            assert (alone / path).read_bytes() == (raw / path).read_bytes(), path


def test_the_strips_of_geonet(everything):
    train = everything / "stageone/train"
    lines = (train / "train.txt").read_text().split() + (train / "val.txt").read_text().split()
    pairs = sorted(zip(lines[::2], lines[1::2]))
    assert pairs == [(f, f"{n:06d}") for f in ("00", "01") for n in range(1, 6)]
    assert len((train / "val.txt").read_text().splitlines()) == 1
    for folder, frame in pairs:
        strip = Image.open(train / folder / f"{frame}.jpg")
        assert strip.size == (3 * 416, 128)
    sources = everything / "odometry/sequences/01/image_2"
    strip = np.asarray(Image.open(train / "01/000003.jpg")).astype(int)
    for place, number in enumerate((2, 3, 4)):
        image = Image.open(sources / f"{number:06d}.png").resize(
            (416, 128), Image.Resampling.BILINEAR
        )
        off = np.abs(strip[:, 416 * place : 416 * (place + 1)] - np.asarray(image)).mean()
        assert off < 4
    text = (train / "01/000003_cam.txt").read_text()
    K = np.array(text.split(","), float).reshape(3, 3)
    calibration = rig("2011_09_28", HEIGHT)
    scale = np.diag([416 / calibration.width, 128 / calibration.height, 1])
    np.testing.assert_allclose(K, scale @ calibration.K, atol=1e-5)
    assert "\n" not in text and text.endswith(",0.,0.,1.")


def test_the_snippets_of_geonet(everything):
    folder = everything / "stageone/eval/09_snippets"
    assert files_below(folder) == [f"{n:06d}.txt" for n in range(5)]
    poses = read_poses(everything / "odometry/poses/09.txt")
    for first in range(5):
        rows = np.loadtxt(folder / f"{first:06d}.txt")
        assert rows.shape == (3, 8)
        np.testing.assert_allclose(rows[:, 0], 0.1036 * np.arange(first, first + 3), atol=1e-6)
        relative = np.linalg.inv(poses[first]) @ poses[first : first + 3]
        np.testing.assert_allclose(rows[:, 1:4], relative[:, :3, 3], atol=2e-6)
        R = Rotation.from_quat(rows[:, 4:]).as_matrix()
        np.testing.assert_allclose(R, relative[:, :3, :3], atol=1e-5)
        assert (rows[:, 7] > 0).all()


def test_geonet_alone(tmp_path, capsys):
    more = ["--sequences", "1", "--test", "1", "--length", "5", "--nested", "1", "--seed", "5"]
    main(["geonet", str(tmp_path / "x"), "--frames", "7", *SMALL[2:], *more])
    stage = tmp_path / "x/stageone"
    assert files_below(stage / "eval") == [f"09_snippets/09/{n:06d}.txt" for n in range(3)]
    assert np.loadtxt(stage / "eval/09_snippets/09/000000.txt").shape == (5, 8)
    assert sorted(p.name for p in (stage / "train/00").glob("*.jpg")) == [
        f"{n:06d}.jpg" for n in (2, 3, 4)
    ]
    assert Image.open(stage / "train/00/000002.jpg").size == (5 * 416, 128)
    tested = stage / "test/sequences/09"
    assert sorted(p.name for p in tested.iterdir()) == [
        "calib.txt",
        "image_0",
        "image_2",
        "times.txt",
    ]
    assert (
        f"wrote {len(files_below(tmp_path / 'x')) - 1} files of geonet" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["geonet", "--length", "4"], "odd"),
        (["kitti_odom", "--sequences", "10"], "at most 9"),
        (["kitti_video", "--test", "3"], "at most"),
        (["kitti_drives", "--images", "bmp"], "png"),
        (["kitti_drives", "--frames", "2"], "too small"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(tmp_path, capsys, arguments, word):
    name, *more = arguments
    with pytest.raises(SystemExit) as stop:
        main([name, str(tmp_path / "new"), *more])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and word in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["kitti_drives", "kitti_odom", "kitti_video"])
def test_the_printed_number_of_files_is_right(tmp_path, capsys, name):
    count = ["--test", "1", "--sequences" if name == "kitti_odom" else "--drives", "1"]
    laser = [] if name == "kitti_odom" else ["--laser", "40"]
    main([name, str(tmp_path), "--frames", "3", *SMALL[2:], *count, *laser])
    assert f"wrote {len(files_below(tmp_path)) - 1} files" in capsys.readouterr().out
