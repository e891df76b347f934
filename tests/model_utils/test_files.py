"""Files and folders are complete or absent, whenever a process is killed."""

import os
import signal
import subprocess
import sys

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


def test_a_folder_is_replaced_whole(tmp_path):
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
        try:
            process.wait(0.15 + 0.013 * turn)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        folders = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        assert (tmp_path / "weights_best") in folders and len(folders) >= 2
        for folder in folders:
            found = content(folder)
            assert list(found) == list("abcdefgh") and len(set(found.values())) == 1, folder
    hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert len(hidden) <= 2  # of the last kill; the next save takes them away


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


@pytest.mark.parametrize("place", [0, 3, 12, -20, -12])
def test_a_damaged_file_is_named(tmp_path, place):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    files.append_record(path, {"step": 1})
    data = bytearray(path.read_bytes())
    data[place] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match="file is damaged, its checksum differs; use another copy"):
        files.read_record(path)
    (tmp_path / "file.previous").write_bytes(b"")
    with pytest.raises(InputError, match=r"the one saved before it is .*file\.previous"):
        files.read_record(path)
