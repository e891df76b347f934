"""prepare_train_data.py: its options, and a preparation from the data set to the lists."""

import shutil

import pytest
from PIL import Image

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import static_frames
from geonet.src.preparation.scenes import drives_of_test_set
from geonet.src.preparation.strips import FrameSize
from geonet.src.preparation.train_data import frame_size, parse, prepare

NEEDED = "--dataset_dir R --dataset_name kitti_raw_eigen --dump_root U --seq_length 3"
DRIVE = "2011_09_26_drive_0001_sync"


def options(dataset_dir, dataset_name, dump_root, more=""):
    flags = f"--dataset_dir={dataset_dir} --dataset_name={dataset_name} --dump_root={dump_root} "
    flags += f"--seq_length=3 --num_threads=1 --img_height=16 --img_width=32 {more}"
    return parse("", flags.split())


def lines(path):
    return path.read_text().splitlines()


def listed(root):
    """All lines of both lists."""
    return sorted(lines(root / "train.txt") + lines(root / "val.txt"))


def test_the_originals_defaults():
    found = parse("", NEEDED.split())
    assert (found.img_width, found.num_threads, found.remove_static) == (416, 4, False)
    assert frame_size(found.dataset_name, found.img_height, 416) == FrameSize(128, 416, 128)


@pytest.mark.parametrize(
    ("name", "height", "expected"),
    [
        ("cityscapes", None, (171, 128)),  # the original's README gives 171
        ("cityscapes", 171, (171, 128)),
        ("cityscapes", 128, (128, 96)),
        ("kitti_odom", 171, (171, 171)),
    ],
)
def test_a_quarter_of_cityscapes_is_cut_off(name, height, expected):
    frame = frame_size(name, height, 416)
    assert (frame.height, frame.rows) == expected


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("", "the following arguments are required: --dataset_dir, --dataset_name, --dump_root"),
        (f"{NEEDED} --dataset_name kitti", "invalid choice: 'kitti' (choose from"),
        (f"{NEEDED} --seq_length 4", "argument --seq_length: '4'; expected an odd number"),
        (f"{NEEDED} --img_heigth 4", "unrecognized arguments: --img_heigth 4"),
        (f"{NEEDED} --num_threads 0", "argument --num_threads: '0'; expected a whole number 1"),
        (f"{NEEDED} --min_speed -1", "argument --min_speed: '-1'; expected metres per second"),
        (f"{NEEDED} --min_speed nan", "argument --min_speed: 'nan'; expected metres per second"),
        (f"{NEEDED} --seq_length 5 --img_width 16000", "80000 columns in a strip, a JPEG has at"),
        (
            f"{NEEDED} --dataset_name cityscapes --static_frames F",
            "--static_frames is for kitti_raw_eigen and kitti_raw_stereo",
        ),
        (
            f"{NEEDED} --dataset_name kitti_odom --test_scenes F",
            "--test_scenes is for kitti_raw_eigen and kitti_raw_stereo",
        ),
    ],
)
def test_wrong_options_are_one_line(capsys, flags, text):
    with pytest.raises(SystemExit) as end:
        parse("", flags.split())
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert error.startswith("error: ") and error.count("\n") == 1
    assert text in error


def test_a_list_of_static_frames_is_to_be_used():
    assert parse("", f"{NEEDED} --static_frames F".split()).remove_static


def test_raw_drives_without_static_frames(video, tmp_path, capsys):
    """Which frames are static is told by oxts; their neighbours go too."""
    raw = video / "raw"
    prepare(options(raw, "kitti_raw_eigen", tmp_path / "all"))
    prepare(options(raw, "kitti_raw_eigen", tmp_path / "moving", "--remove_static"))
    out = capsys.readouterr().out
    assert "drives: 2, images: 80; left out, of the test set: 1" in out
    every, moving = listed(tmp_path / "all"), listed(tmp_path / "moving")
    assert len(every) == 2 * 2 * 18
    found = static_frames.listed_frames(tmp_path / "moving" / "static_frames.txt")
    still = sum(map(len, found.values()))
    assert still > 3
    text = "by oxts, slower than 0.5 m/s; not the original's list, which --static_frames takes"
    assert f"{2 * still} images without motion are left out, {text}" in out
    gone = {
        f"{drive}_{camera} {number + shift:010d}"
        for drive, numbers in found.items()
        for number in numbers
        for shift in (-1, 0, 1)
        for camera in ("02", "03")
    }
    assert moving == [line for line in every if line not in gone]
    assert not (tmp_path / "all" / "static_frames.txt").exists()


def test_raw_drives_without_the_frames_of_a_list(video, tmp_path, capsys):
    path = tmp_path / "static.txt"
    path.write_text(f"2011_09_26 {DRIVE} 0000000005\n\n2011_09_26 {DRIVE} 0000000099\n")
    more = f"--static_frames={path}"
    prepare(options(video / "raw", "kitti_raw_stereo", tmp_path / "out", more))
    assert "2 images without motion are left out, by the list\n" in capsys.readouterr().out
    numbers = {int(line[-10:]) for line in listed(tmp_path / "out") if line.startswith(DRIVE)}
    assert numbers == {*range(1, 19)} - {4, 5, 6}
    assert not (tmp_path / "out" / "static_frames.txt").exists()


def test_raw_drives_without_those_of_a_list(video, tmp_path, capsys):
    path = tmp_path / "test_scenes.txt"
    path.write_text(f"{DRIVE}\n")
    prepare(options(video / "raw", "kitti_raw_eigen", tmp_path / "all"))
    prepare(options(video / "raw", "kitti_raw_eigen", tmp_path / "out", f"--test_scenes={path}"))
    assert capsys.readouterr().out.count("; left out, of the test set: 1\n") == 2
    usual, own = (
        {line.split()[0].rpartition("_")[0] for line in listed(tmp_path / name)}
        for name in ("all", "out")
    )
    (tested,) = own - usual
    assert tested in drives_of_test_set("eigen") and usual - own == {DRIVE}


@pytest.mark.parametrize("name", ["kitti_odom", "cityscapes"])
def test_static_frames_stay_in_other_data_as_in_the_original(video, city, tmp_path, capsys, name):
    root = video / "odometry" if name == "kitti_odom" else city
    prepare(options(root, name, tmp_path, "--remove_static"))
    out = capsys.readouterr().out
    assert f"--remove_static is ignored for {name}, as in the original\n" in out
    assert len(listed(tmp_path)) == (36 if name == "kitti_odom" else 6)


def test_the_grey_camera_of_odometry(video, tmp_path):
    prepare(options(video / "odometry", "kitti_odom", tmp_path, "--camera=image_0"))
    with Image.open(tmp_path / "00" / "000001.jpg") as strip:
        assert (strip.size, strip.mode) == ((96, 16), "RGB")


def test_a_second_run_makes_what_is_missing(video, tmp_path, capsys):
    wanted = options(video / "odometry", "kitti_odom", tmp_path)
    prepare(wanted)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    gone = [tmp_path / "00" / "000007.jpg", tmp_path / "01" / "000002_cam.txt"]
    for path in (*gone, tmp_path / "train.txt"):
        path.unlink()
    kept = tmp_path / "00" / "000008.jpg"
    kept.write_bytes(b"not made again")
    capsys.readouterr()
    prepare(wanted)
    out = capsys.readouterr().out
    assert "34 of 36 strips are there already; processes: 1" in out
    assert "2 strips in" in out
    before[kept] = b"not made again"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_every_damaged_image_is_named_and_the_rest_is_made(video, tmp_path, capsys):
    """Without the lists, for which a complete run is needed."""
    source, out = tmp_path / "source", tmp_path / "out"
    shutil.copytree(video / "odometry" / "sequences" / "00", source / "sequences" / "00")
    images = source / "sequences" / "00" / "image_2"
    for number in (4, 12):
        path = images / f"{number:06d}.png"
        path.write_bytes(b"not an image")
    with pytest.raises(InputError) as error:
        prepare(options(source, "kitti_odom", out))
    lost = [f"{images}/{number:06d}.png is empty, broken or not an image" for number in (4, 12)]
    assert str(error.value) == (
        f"2 of the images cannot be used, first: {lost[0]}; get them again, then the same command "
        "makes what is missing"
    )
    assert [line for line in capsys.readouterr().out.splitlines() if "bad" in line] == [
        f"bad input: {text}" for text in lost
    ]
    assert len(list(out.glob("00/*.jpg"))) == len(list(out.glob("00/*_cam.txt"))) == 18 - 6
    assert not (out / "train.txt").exists()
    shutil.copytree(video / "odometry", source, dirs_exist_ok=True)
    prepare(options(source, "kitti_odom", out))
    assert len(listed(out)) == 36


def test_missing_images_are_told(video, tmp_path, capsys):
    source = tmp_path / "source"
    shutil.copytree(video / "odometry" / "sequences" / "01", source / "sequences" / "01")
    for number in (8, 9):
        (source / "sequences" / "01" / "image_2" / f"{number:06d}.png").unlink()
    prepare(options(source, "kitti_odom", tmp_path / "out"))
    text = "2 images are missing inside of drives, first number 8 of 01: no strip reaches across"
    assert text in capsys.readouterr().out
    numbers = {int(line[3:]) for line in listed(tmp_path / "out")}
    assert numbers == {*range(1, 7), *range(11, 19)}


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--seq_length=5", "the strips here have --seq_length=3, not 5"),
        ("--img_width=64", "the strips here have --img_width=32, not 64"),
        ("--camera=image_0", "the strips here have --camera='image_2', not 'image_0'"),
    ],
)
def test_other_strips_need_another_folder(video, tmp_path, flag, text):
    root = video / "odometry"
    prepare(options(root, "kitti_odom", tmp_path))
    with pytest.raises(InputError, match=text):
        prepare(options(root, "kitti_odom", tmp_path, flag))


def test_too_few_frames_leave_no_folder(video, tmp_path):
    with pytest.raises(InputError, match="no 21 frames follow each other; check --seq_length"):
        prepare(options(video / "odometry", "kitti_odom", tmp_path / "new", "--seq_length=21"))
    assert not (tmp_path / "new").exists()
