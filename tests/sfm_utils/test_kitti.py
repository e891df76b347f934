"""Paths of KITTI's frames, and what is missing is named before anything starts."""

import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.kitti import KittiDepth, KittiOdometry, KittiRaw, check_frames
from monodepth2.src.sfm_utils.lists import Frame

DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"


def test_paths_of_kitti_raw(tmp_path):
    tree, frame = KittiRaw(tmp_path), Frame(DRIVE, 5, "r")
    drive = tmp_path / DRIVE
    assert tree.image(frame) == drive / "image_03" / "data" / "0000000005.jpg"
    assert tree.velodyne(frame) == drive / "velodyne_points" / "data" / "0000000005.bin"
    assert tree.calibration(frame) == tmp_path / "2011_09_26"
    depth = KittiDepth(tmp_path, ".png").depth(frame)
    assert depth == drive / "proj_depth" / "groundtruth" / "image_03" / "0000000005.png"


@pytest.mark.parametrize("number", [9, "9", "09"])
def test_paths_of_kitti_odometry(tmp_path, number):
    tree = KittiOdometry(tmp_path)
    image = tree.image(Frame(str(number), 12, "l"))
    assert image == tmp_path / "sequences" / "09" / "image_2" / "000012.png"
    assert tree.poses(number) == tmp_path / "poses" / "09.txt"


@pytest.fixture
def tree(tmp_path):
    """Five frames of both cameras; the right one lacks frame 3."""
    tree = KittiRaw(tmp_path, ".png")
    for side in "lr":
        for index in range(5):
            path = tree.image(Frame(DRIVE, index, side))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    tree.image(Frame(DRIVE, 3, "r")).unlink()
    return tree


def frames(*indices, side="l"):
    return [Frame(DRIVE, index, side) for index in indices]


def test_complete_frames_pass(tree):
    wanted = frames(1, 2)
    assert check_frames(tree, wanted, offsets=(-1, 1), stereo=True) == wanted
    assert check_frames(tree, frames(3), offsets=(-1, 1)) == frames(3)


@pytest.mark.parametrize(
    "wanted, options, what",
    [
        (frames(1, 7), {}, "line 2: the image, .*/image_02/data/0000000007.png, is missing"),
        (frames(1, 4), {"offsets": (-1, 1)}, r"line 2: its neighbour \+1, .*0000000005.png, is"),
        (frames(1, 0), {"offsets": (-1, 1)}, "line 2: its neighbour -1 would lie before the first"),
        (frames(3), {"stereo": True}, "line 1: the other camera's image, .*/image_03/data/.*3.png"),
        (frames(2, side="r"), {"offsets": (1,)}, r"line 1: its neighbour \+1, .*/image_03/"),
    ],
)
def test_a_missing_image_is_named(tree, wanted, options, what):
    with pytest.raises(InputError, match=what) as error:
        check_frames(tree, wanted, place="train_files.txt", **options)
    assert str(error.value).startswith(
        f"1 of {len(wanted)} frames of train_files.txt are incomplete; first, line "
    )


def test_another_format_and_another_place_are_named(tree):
    with pytest.raises(InputError, match="but 0000000001.png is there: choose that format"):
        check_frames(KittiRaw(tree.root), frames(1))
    with pytest.raises(InputError, match="image_02/data holds nothing; see where the data set is"):
        check_frames(KittiRaw(tree.root / "elsewhere"), frames(1))


def test_missing_frames_can_be_left_out(tree, capsys):
    options = {"offsets": (-1, 1), "skip_missing": True, "place": "list.txt"}
    assert check_frames(tree, frames(0, 1, 2, 4), **options) == frames(1, 2)
    out = capsys.readouterr().out
    assert out.startswith("left out: 2 of 4 frames of list.txt are incomplete; first, line 1: ")
    with pytest.raises(InputError, match="1 of 1 frames"):
        check_frames(tree, frames(0), **options)
