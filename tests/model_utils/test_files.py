"""Files and folders are complete or absent, whenever a process is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from depthnet.src.model_utils import files
from depthnet.src.model_utils.errors import InputError
from tests.conftest import REPOSITORY


def fill(folder, text):
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text(text)


def content(folder):
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_folder_is_replaced_in_one_step(tmp_path):
    for text in ("old", "new"):
        with files.replacing(tmp_path / "weights") as temporary:
            fill(temporary, text)
    assert content(tmp_path / "weights") == {"a": "new", "b": "new", "c": "new"}
    assert os.listdir(tmp_path) == ["weights"]


def test_an_error_leaves_what_was_there(tmp_path):
    with files.replacing(tmp_path / "weights") as temporary:
        fill(temporary, "old")
    with pytest.raises(OSError, match="full"), files.replacing(tmp_path / "weights") as temporary:
        fill(temporary, "new")
        raise OSError("full")
    assert set(content(tmp_path / "weights").values()) == {"old"}
    assert os.listdir(tmp_path) == ["weights"]


# Saves a folder again and again until it is killed; every save writes one text to all its files.
WRITER = """
import sys, itertools
from pathlib import Path
from depthnet.src.model_utils import files
print("ready", flush=True)
for number in itertools.count():
    with files.replacing(Path(sys.argv[1]) / "weights_best") as temporary:
        temporary.mkdir()
        for name in "abcdefgh":
            (temporary / name).write_text(str(number))
    with files.replacing(Path(sys.argv[1]) / f"weights_{number}") as temporary:
        temporary.mkdir()
        for name in "abcdefgh":
            (temporary / name).write_text(str(number))
    files.keep_newest(sys.argv[1], "weights_[0-9]*", 2)
"""


def test_a_folder_is_complete_whenever_its_writer_is_killed(tmp_path):
    """Also while it replaces an older one, and while the oldest are deleted."""
    for turn in range(12):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        end = time.monotonic() + 60
        while len(list(tmp_path.glob("weights_[0-9]*"))) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        try:
            process.wait(0.1 + 0.013 * turn)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        folders = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        assert (tmp_path / "weights_best") in folders and len(folders) >= 3
        for folder in folders:
            found = content(folder)
            assert list(found) == list("abcdefgh") and len(set(found.values())) == 1, folder
    with files.replacing(tmp_path / "weights_best") as temporary:
        temporary.mkdir()
    files.keep_newest(tmp_path, "weights_[0-9]*", 2)
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 3 and not [name for name in names if name.startswith(".")]


def test_only_the_newest_are_kept(tmp_path):
    for number in range(5):
        folder = tmp_path / f"weights_{number}"
        fill(folder, "x")
        os.utime(folder, (number, number))
    (tmp_path / "weights_best").mkdir()
    files.keep_newest(tmp_path, "weights_[0-9]*", 2)
    assert sorted(os.listdir(tmp_path)) == ["weights_3", "weights_4", "weights_best"]
    files.keep_newest(tmp_path, "weights_[0-9]*", 0)
    assert len(os.listdir(tmp_path)) == 3


def test_the_newest_file_of_a_folder_or_the_file_itself(tmp_path):
    for age, name in enumerate(("Midas_0-2_9.ckpt", "Midas_0-10_9.ckpt", "other.ckpt")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    assert files.newest_file(tmp_path, "Midas_*.ckpt").name == "Midas_0-10_9.ckpt"
    assert files.newest_file(tmp_path / "x.ckpt", "Midas_*.ckpt") == tmp_path / "x.ckpt"
    with pytest.raises(InputError, match="holds no Net_.*train first or give a file"):
        files.newest_file(tmp_path, "Net_*.ckpt")


def test_a_record_is_read_back_and_a_file_without_one_has_none(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert files.read_record(path) == {}
    files.append_record(path, {"size": [640, 192], "options": {"layers": 18}})
    assert path.read_bytes().startswith(b"content")
    assert files.read_record(path) == {"size": [640, 192], "options": {"layers": 18}}
    long = {"text": "x" * 100_000}  # a length that takes three bytes
    path.write_bytes(b"content")
    files.append_record(path, long)
    assert files.read_record(path) == long


def with_record(path, record, content=b"content"):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    files.append_record(path, record)
    return path


def flip(path, place=3):
    data = bytearray(path.read_bytes())
    data[place] ^= 255
    path.write_bytes(data)


@pytest.mark.parametrize("place", [0, 3, 12, -20, -12])
def test_a_damaged_file_is_named(tmp_path, place):
    path = with_record(tmp_path / "file", {"step": 1})
    flip(path, place)
    with pytest.raises(InputError, match="file is damaged, its checksum differs; use another copy"):
        files.read_record(path)


def test_the_previous_version_of_a_damaged_file_is_offered_when_it_is_intact(tmp_path):
    path = with_record(tmp_path / "state.ckpt", {"step": 2})
    flip(path)
    earlier = with_record(tmp_path / "state.previous.ckpt", {"step": 1})
    with pytest.raises(InputError, match=rf"differs; {earlier} is intact$"):
        files.read_record(path)
    flip(earlier)
    with pytest.raises(InputError, match="use another copy"):
        files.read_record(path)


@pytest.mark.parametrize("name", ["Midas_0-{}_9.ckpt", "weights_{}/depth.ckpt"])
def test_the_newest_intact_checkpoint_of_another_step_is_offered(tmp_path, name, monkeypatch):
    """And no file of another kind, such as another network's in the same folder."""
    paths = [with_record(tmp_path / name.format(step), {"step": step}) for step in (7, 8, 9, 10)]
    for age, path in enumerate(paths):
        for place in (path, path.parent):
            os.utime(place, (age, age))
    with_record(paths[-1].with_name("pose.ckpt"), {"step": 10})
    for path in paths[2:]:
        flip(path)
    with pytest.raises(InputError, match=rf"{paths[1]} is intact$"):
        files.read_record(paths[-1])
    monkeypatch.chdir(paths[-1].parent)
    with pytest.raises(InputError, match="depth.ckpt is damaged|Midas_0-8_9.ckpt is intact"):
        files.read_record(paths[-1].name)


def test_the_checkpoint_of_another_run_is_not_offered(tmp_path):
    """A run's folder holds more than checkpoints; run_1 says nothing about run_2."""
    for run in ("run_1", "run_2"):
        path = with_record(tmp_path / run / "best.ckpt", {"step": 1})
        (tmp_path / run / "metrics.csv").touch()
    flip(path)
    with pytest.raises(InputError, match="use another copy"):
        files.read_record(path)


def varint(data, place):
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


@pytest.mark.parametrize("length", [10, 99, 100, 120, 5000, 16_355, 16_356, 100_000])
def test_a_record_is_one_unknown_field_of_protobuf(tmp_path, length):
    """Number 1000, length-delimited, up to the end: what every version of MindSpore skips."""
    path = with_record(tmp_path / "file", {"text": "x" * length}, b"")
    data = path.read_bytes()
    tag, place = varint(data, 0)
    size, end = varint(data, place)
    assert end - place == -(-size.bit_length() // 7)  # the shortest form
    place = end
    assert (tag >> 3, tag & 7) == (1000, 2)
    assert place + size == len(data)


def test_a_file_too_short_for_a_record_has_none(tmp_path):
    for content in (b"", b"x", b"ZOORECRD", b"1234ZOORECRD", b"x" * 15 + b"."):
        (tmp_path / "file").write_bytes(content)
        assert files.read_record(tmp_path / "file") == {}


def test_what_a_killed_rotation_left_goes_with_the_next(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1).stdout
    gone = tmp_path / f".save-weights_3-{int(dead)}"
    others = [tmp_path / f".save-weights_3-{os.getppid()}", tmp_path / f".save-best-{int(dead)}"]
    for folder in (gone, *others, tmp_path / "weights_4"):
        fill(folder, "x")
    files.keep_newest(tmp_path, "weights_[0-9]*", 5)
    assert not gone.exists() and all(folder.exists() for folder in others)
    files.write_bytes(tmp_path / "best", b"")
    assert others[1].exists()  # only the name's own writer cleans up
    with files.replacing(tmp_path / "best") as temporary:
        temporary.write_bytes(b"new")
    assert not others[1].exists()


def test_a_write_makes_its_folder_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    files.write_bytes(path, b"1")
    files.write_bytes(path, b"22")
    assert path.read_bytes() == b"22" and os.listdir(path.parent) == ["c.txt"]


def test_a_file_system_without_an_exchange_replaces_folders_too(tmp_path, monkeypatch):
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *a, **k: object())
    test_a_folder_is_replaced_in_one_step(tmp_path)


def test_the_checksum_covers_files_of_several_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_PART", 4)
    path = with_record(tmp_path / "file", {"step": 1}, b"0123456789")
    assert files.read_record(path) == {"step": 1}
    for place in range(10):
        flip(path, place)
        with pytest.raises(InputError, match="is damaged"):
            files.read_record(path)
        flip(path, place)


def test_an_existing_folder_is_exchanged_in_one_system_call(tmp_path, monkeypatch):
    """Renaming twice would leave a moment without a folder; this is the fallback elsewhere."""
    fill(tmp_path / "weights", "old")

    def fail(*arguments):
        raise AssertionError("renamed")

    monkeypatch.setattr(files.Path, "rename", fail)
    with files.replacing(tmp_path / "weights") as temporary:
        fill(temporary, "new")
    assert set(content(tmp_path / "weights").values()) == {"new"}
    assert os.listdir(tmp_path) == ["weights"]


def test_leftovers_of_other_users_running_processes_stay(tmp_path, monkeypatch):
    def kill(pid, number):
        raise PermissionError(1, "Operation not permitted") if pid == 1 else ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    for pid in (1, 2):
        (tmp_path / f".save-a-{pid}").mkdir()
    (tmp_path / ".save-a-x").touch()
    with files.replacing(tmp_path / "a") as temporary:
        temporary.touch()
    assert sorted(os.listdir(tmp_path)) == [".save-a-1", ".save-a-x", "a"]


def test_a_leftover_that_cannot_be_deleted_stops_no_save(tmp_path, monkeypatch):
    fill(tmp_path / f".save-a-{2**22 + 1}", "x")  # above every number of a process

    def fail(*arguments, **options):
        raise OSError("busy")

    monkeypatch.setattr(os, "rmdir", fail)
    with files.replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
