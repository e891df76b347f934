"""The folder of prepared strips: what it was made with, what is missing, its lists."""

import os

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import dump_root
from geonet.src.preparation.frames import Strip

SETTINGS = {"dataset_name": "kitti_odom", "seq_length": 3, "img_height": 128}


def strips_of(*names):
    """Strips named `folder/name`."""
    return [Strip(*name.split("/"), (), np.eye(3)) for name in names]


def lines(path):
    return path.read_text().splitlines()


def test_a_folder_keeps_to_what_it_was_made_with(tmp_path):
    dump_root.check_record(tmp_path / "new", SETTINGS)
    assert not (tmp_path / "new").exists()
    dump_root.write_record(tmp_path / "new", SETTINGS)
    dump_root.check_record(tmp_path / "new", SETTINGS)
    for key, value in {"seq_length": 5, "img_height": 64, "dataset_name": "cityscapes"}.items():
        with pytest.raises(InputError) as error:
            dump_root.check_record(tmp_path / "new", {**SETTINGS, key: value})
        assert str(error.value) == (
            f"{tmp_path}/new/prepared.json: the strips here have --{key}={SETTINGS[key]!r}, not "
            f"{value!r}; choose another --dump_root, or delete that folder"
        )


def test_strips_of_another_program_are_left_alone(tmp_path):
    (tmp_path / "00").mkdir()
    (tmp_path / "00" / "000001.jpg").touch()
    with pytest.raises(InputError, match=r"holds images without a prepared.json, of another prog"):
        dump_root.check_record(tmp_path, SETTINGS)


@pytest.mark.parametrize("text", ["", "[3]", "{", "[" * 100_000])
def test_a_damaged_record_is_named(tmp_path, text):
    path = tmp_path / "prepared.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path} is damaged; choose another --dump_root"):
        dump_root.check_record(tmp_path, SETTINGS)


def test_a_strip_is_there_with_its_camera(tmp_path):
    (tmp_path / "00").mkdir()
    for name in ("1.jpg", "1_cam.txt", "2.jpg", "3_cam.txt"):
        (tmp_path / "00" / name).touch()
    wanted = strips_of("00/1", "00/2", "00/3", "01/1")
    missing = dump_root.missing_strips(tmp_path, wanted)
    assert [f"{strip.folder}/{strip.name}" for strip in missing] == ["00/2", "00/3", "01/1"]


def test_what_killed_processes_left_is_deleted(tmp_path):
    """Process 1 runs for ever, process 2 ** 22 + 1 cannot exist."""
    (tmp_path / "00").mkdir()
    names = [f".save-1.jpg-{number}" for number in (1, 2**22 + 1)]
    for name in names:
        (tmp_path / "00" / name).touch()
    dump_root.missing_strips(tmp_path, strips_of("00/1"))
    assert os.listdir(tmp_path / "00") == names[:1]


def test_one_strip_in_ten_is_for_validation_by_the_originals_draws(tmp_path):
    names = [f"{folder}/{n:06d}" for folder in ("b", "a") for n in range(40)]
    assert dump_root.write_lists(tmp_path, strips_of(*names[::-1])) == (67, 13)
    draws = np.random.RandomState(8964).random_sample(80)
    ordered = [name.replace("/", " ") for name in names[40:] + names[:40]]
    expected = [name for name, draw in zip(ordered, draws) if draw < 0.1]
    assert lines(tmp_path / "val.txt") == expected
    assert lines(tmp_path / "train.txt") == [name for name in ordered if name not in expected]


@pytest.mark.parametrize("count", [2, 5, 9])
def test_small_data_has_something_in_both_lists(tmp_path, count):
    names = [f"a/{n}" for n in range(count)]
    train, val = dump_root.write_lists(tmp_path, strips_of(*names))
    assert train + val == count
    assert train and val


def test_a_single_strip_is_to_train_on(tmp_path):
    assert dump_root.write_lists(tmp_path, strips_of("a/1")) == (1, 0)
    assert lines(tmp_path / "val.txt") == []
