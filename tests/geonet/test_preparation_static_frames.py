"""Frames without motion: from a list, by the car's speed, by the images."""

import shutil

import numpy as np
import pytest
from PIL import Image

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import kitti, static_frames
from geonet.src.preparation.static_frames import found_frames, standing, unchanged
from tests.synthetic.kitti_text import OXTS_FIELDS

DRIVE = "2011_09_26_drive_0001_sync"


def write_record(folder, number, **speeds):
    """A record of oxts whose other values are large, so that a wrong place is seen."""
    folder.mkdir(parents=True, exist_ok=True)
    values = [speeds.get(name, 50) for name in OXTS_FIELDS]
    (folder / f"{number:010d}.txt").write_text(" ".join(map(str, values)) + "\n")


def test_standing_is_a_low_speed_over_ground(tmp_path):
    for number, (north, east) in enumerate([(0.3, -0.39), (0.3, 0.41), (0, -2), (-0.1, 0)]):
        write_record(tmp_path, number, vn=north, ve=east)
    assert standing(tmp_path, range(4), least=0.5) == [0, 3]  # 0.492 and 0.1 m/s
    assert standing(tmp_path, range(4), least=0.1) == []
    assert standing(tmp_path, [3, 2], least=3) == [3, 2]


def test_a_frame_without_a_record_moves(tmp_path):
    write_record(tmp_path, 1, vn=0, ve=0)
    assert standing(tmp_path, [0, 1, 2], least=0.5) == [1]


@pytest.mark.parametrize("text", ["49.0 8.4", "a " * 30, ""])
def test_a_damaged_record_is_named(tmp_path, text):
    path = tmp_path / "0000000004.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path}: expected 30"):
        standing(tmp_path, [4], least=0.5)


def write_views(folder, offsets):
    """Images of a texture from which a camera is so many pixels to the right."""
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(0, 256, (8, 60, 3), np.uint8)
    texture = Image.fromarray(coarse).resize((600, 80), Image.Resampling.BICUBIC)
    for number, offset in enumerate(offsets):
        path = folder / f"{number:010d}.png"
        texture.crop((offset, 0, offset + 300, 80)).save(path)


def test_images_that_do_not_change_are_static(tmp_path):
    write_views(tmp_path / "data", [0, 0, 6, 6, 6, 12, 18])
    files = {n: tmp_path / "data" / f"{n:010d}.png" for n in range(7)}
    assert unchanged(files) == [1, 3, 4]


def drives_of(root):
    return kitti.raw_drives(root, ())[0]


def test_oxts_decide_where_there_are_some(tmp_path):
    """The first drive stands by oxts at frame 0, the second one, without oxts, at frame 2."""
    for name in (DRIVE, "2011_09_26_drive_0003_sync"):
        write_views(tmp_path / "2011_09_26" / name / "image_03" / "data", [0, 6, 6])
    oxts = tmp_path / "2011_09_26" / DRIVE / "oxts" / "data"
    for number in range(3):
        write_record(oxts, number, vn=float(number), ve=0)
    for processes in (1, 2):
        found, by_images = found_frames(drives_of(tmp_path), 0.5, processes)
        assert found == {DRIVE: [0], "2011_09_26_drive_0003_sync": [2]}
        assert by_images == 1


def test_the_car_of_a_rendered_drive_stands_where_it_says(video):
    (drive,) = [drive for drive in drives_of(video / "raw") if drive.name == DRIVE]
    found, by_images = found_frames([drive], 0.5, 1)
    listed = static_frames.listed_frames(video / "raw" / "lists" / "static_frames.txt")
    # The list also holds the frames at which the car stops and starts.
    assert set(found[DRIVE]) < listed[DRIVE]
    assert len(listed[DRIVE]) - len(found[DRIVE]) == 2
    assert by_images == 0


def test_what_was_found_is_a_list_of_the_originals_form(tmp_path):
    static_frames.write_list(
        tmp_path / "static.txt", {"2011_10_03_drive_0042_sync": [3], DRIVE: [7]}
    )
    assert (tmp_path / "static.txt").read_text().splitlines() == [
        f"2011_09_26 {DRIVE} 0000000007",
        "2011_10_03 2011_10_03_drive_0042_sync 0000000003",
    ]
    found = static_frames.listed_frames(tmp_path / "static.txt")
    assert found == {DRIVE: {7}, "2011_10_03_drive_0042_sync": {3}}


def test_a_damaged_image_of_a_drive_without_oxts_is_named(video, tmp_path):
    shutil.copytree(video / "raw" / "2011_09_26" / DRIVE, tmp_path / "2011_09_26" / DRIVE)
    shutil.rmtree(tmp_path / "2011_09_26" / DRIVE / "oxts")
    path = tmp_path / "2011_09_26" / DRIVE / "image_02" / "data" / "0000000004.png"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=str(path)):
        found_frames(drives_of(tmp_path), 0.5, 2)
