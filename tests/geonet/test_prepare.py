"""The programs that prepare data, as a user runs them: the command lines of the original."""

import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from tests.synthetic.__main__ import main
from tests.synthetic.reading_kitti import files_below

TRAIN_DATA = "prepare/prepare_train_data.py"


def prepare_line(dataset_dir, dataset_name, dump_root, *more):
    """The original's line; flags that are given again win."""
    line = f"--dataset_dir={dataset_dir} --dataset_name={dataset_name} --dump_root={dump_root} "
    line += "--seq_length=3 --img_height=128 --img_width=416 --num_threads=2 --remove_static"
    return [TRAIN_DATA, *line.split(), *more]


def check_strips(root, names):
    """All strips that are listed, and no others, are there with their cameras."""
    lines = [(root / f"{name}.txt").read_text().splitlines() for name in ("train", "val")]
    assert all(lines)
    listed = sorted(line.replace(" ", "/") for part in lines for line in part)
    assert {name.split("/")[0] for name in listed} == names
    strips = sorted(str(p.relative_to(root))[:-4] for p in root.glob("*/*.jpg"))
    cameras = sorted(str(p.relative_to(root))[:-8] for p in root.glob("*/*_cam.txt"))
    assert listed == strips == cameras
    with Image.open(root / f"{listed[0]}.jpg") as strip:
        assert strip.size == (3 * 416, 128)


@pytest.mark.parametrize("name", ["kitti_raw_eigen", "kitti_raw_stereo"])
def test_the_line_of_raw_drives(program, video, tmp_path, name):
    out, _ = program("geonet").run(*prepare_line(f"{video}/raw", name, tmp_path))
    drives = ("2011_09_26_drive_0001_sync", "2011_09_29_drive_0003_sync")
    check_strips(tmp_path, {f"{drive}_{camera}" for drive in drives for camera in ("02", "03")})
    assert "Static frames: 0/2 drives" in out
    assert "Progress 0/" in out
    assert "not the original's list, which --static_frames takes" in out


def test_the_line_of_odometry(program, video, tmp_path):
    out, _ = program("geonet").run(*prepare_line(f"{video}/odometry/", "kitti_odom", tmp_path))
    check_strips(tmp_path, {"00", "01"})
    assert "--remove_static is ignored for kitti_odom, as in the original" in out
    assert f"{tmp_path}: 32 strips in train.txt, 4 in val.txt, of 3 frames of 416x128 pixels" in out


def test_the_line_of_cityscapes(program, city, tmp_path):
    line = prepare_line(city, "cityscapes", tmp_path, "--img_height=171")
    program("geonet").run(*line)
    check_strips(tmp_path, {"aachen", "bochum"})


def test_the_line_of_snippets(program, video, tmp_path):
    line = f"--dataset_dir={video}/odometry/ --output_dir={tmp_path}/S/ --seq_id=09 --seq_length=5"
    program("geonet").run("prepare/generate_pose_snippets.py", *line.split())
    assert files_below(tmp_path) == [f"S/{n:06d}.txt" for n in range(16)]
    assert np.loadtxt(tmp_path / "S" / "000000.txt").shape == (5, 8)


def test_the_line_of_the_multiview_extension(program, tmp_path):
    main(["scene_flow", str(tmp_path / "K"), "--scenes", "1", "--height", "48", "--workers", "1"])
    folders = [tmp_path / "K" / f"data_scene_flow_{name}" for name in ("multiview", "calib")]
    line = f"--dataset_dir={folders[0]} --calib_dir={folders[1]} --dump_root={tmp_path}/U "
    line += "--cam_id=02 --seq_length=3"
    program("geonet").run("prepare/generate_multiview_extension.py", *line.split())
    assert (tmp_path / "U" / "test_flow.txt").read_text() == "sub_folder_02 000000\n"
    with Image.open(tmp_path / "U" / "sub_folder_02" / "000000.jpg") as strip:
        assert strip.size == (3 * 416, 128)


@pytest.mark.parametrize(
    "name", ["prepare_train_data", "generate_pose_snippets", "generate_multiview_extension"]
)
def test_help(program, name):
    out, _ = program("geonet").run(f"prepare/{name}.py", "--help")
    assert f"python prepare/{name}.py" in out
    assert "--seq_length" in out


def test_what_cannot_be_is_answered_in_one_line(program, video, tmp_path):
    run = program("geonet")
    line = prepare_line(tmp_path / "none", "kitti_odom", tmp_path / "U")
    error = run.refuse(*line)
    assert error == (
        f"error: {tmp_path}/none holds no sequences/00 to 08/image_2 with images; check "
        "--dataset_dir"
    )
    assert "'4'; expected an odd number" in run.refuse(*line, "--seq_length=4")
    error = run.refuse("prepare/generate_pose_snippets.py", "--dataset_dir=x", "--output_dir=y")
    assert "poses/09.txt is missing" in error
    assert not (tmp_path / "U").exists()


def test_a_reader_that_has_enough_is_no_error(program, video, tmp_path):
    inlet, outlet = os.pipe()
    os.close(inlet)
    line = prepare_line(f"{video}/odometry", "kitti_odom", tmp_path)
    process = program("geonet").start(*line, stdout=outlet)
    os.close(outlet)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on(program, video, tmp_path, number):
    """Nothing is half-written; the next run makes what is missing and removes what was left.

    Ctrl-C on a terminal reaches the processes too; a kill is for the first one alone.
    """
    line = prepare_line(f"{video}/raw", "kitti_raw_eigen", tmp_path, "--img_width=4000")
    # A suite that runs in the background ignores Ctrl-C, and so would what it starts.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = program("geonet").start(*line, start_new_session=True, **heard)
    try:
        while len(list(tmp_path.glob("*/*.jpg"))) < 3 and process.poll() is None:
            time.sleep(0.005)
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    finally:
        _, error = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert error == "stopped: the same command goes on from here\n"
    made = {path: path.stat().st_ino for path in tmp_path.glob("*/*.jpg")}
    assert not (tmp_path / "train.txt").exists()
    for path in made:
        with Image.open(path) as strip:
            strip.load()
            assert strip.width == 3 * 4000
    out, _ = program("geonet").run(*line)
    assert f"{len(made)} of " in out
    assert {path: path.stat().st_ino for path in made} == made
    assert not list(tmp_path.rglob(".save-*"))
    listed = sum(len((tmp_path / f"{x}.txt").read_text().splitlines()) for x in ("train", "val"))
    assert listed == len(list(tmp_path.glob("*/*.jpg"))) == len(list(tmp_path.glob("*/*_cam.txt")))
    assert len(os.listdir(tmp_path)) == 4 + 4  # record, static frames, two lists; two drives
