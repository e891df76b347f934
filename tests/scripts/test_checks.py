"""What the launchers take as a folder, a file, a number, a list, a word."""

import pytest

from scripts.launching import checks, table
from scripts.launching.checks import UsageError


def refused(check, text, expected):
    with pytest.raises(UsageError) as caught:
        check("NAME", text)
    assert str(caught.value) == f"NAME: {expected}"


def deny(monkeypatch, *paths):
    """Nobody may do anything with these paths; root may do everything with the others."""
    monkeypatch.setattr(checks.os, "access", lambda path, mode: mode and path not in paths)


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "net.ckpt").touch()
    assert checks.folder("DATA", "home") == checks.folder("DATA", "~") == str(tmp_path / "home")
    for text in ("home/net.ckpt", "~/net.ckpt"):
        assert checks.file("CKPT", text) == str(tmp_path / "home" / "net.ckpt")
    assert checks.new_folder("OUT", "a/b") == str(tmp_path / "a" / "b")
    assert checks.new_folder("OUT", "~/a") == str(tmp_path / "home" / "a")
    assert checks.new_folder("OUT", ".") == str(tmp_path)


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path):
    file = tmp_path / "net.ckpt"
    file.touch()
    refused(checks.folder, str(file), f"{file} is not a folder")
    refused(checks.file, str(tmp_path), f"{tmp_path} is not a file")


def test_what_cannot_be_read_is_said_so(tmp_path, monkeypatch):
    """By os.access, because root reads everything."""
    file = tmp_path / "net.ckpt"
    file.touch()
    deny(monkeypatch, file, tmp_path)
    for check, path in ((checks.file, file), (checks.folder, tmp_path)):
        refused(check, str(path), f"{path} cannot be read; chmod it or run as another user")


def test_a_new_folder_needs_a_parent_that_is_a_folder_and_can_be_written(tmp_path, monkeypatch):
    file = tmp_path / "net.ckpt"
    file.touch()
    file.chmod(0o755)
    refused(checks.new_folder, f"{file}/b", f"{file}/b cannot be written, {file} forbids it")
    deny(monkeypatch, tmp_path)
    refused(
        checks.new_folder, f"{tmp_path}/b", f"{tmp_path}/b cannot be written, {tmp_path} forbids it"
    )


def test_a_tree_has_its_folders(tmp_path, monkeypatch):
    check = checks.tree("a/b", "c")
    refused(check, str(tmp_path / "x"), f"{tmp_path}/x is not a folder")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").touch()
    refused(check, str(tmp_path), f"{tmp_path}/c is not a folder")
    (tmp_path / "c").unlink()
    (tmp_path / "c").mkdir()
    monkeypatch.chdir(tmp_path)
    assert check("DATA", ".") == str(tmp_path)


def test_weights_may_lack_their_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("ours.ckpt", "theirs.index", "both.ckpt", "both.index", "model-5.best.ckpt")
    for name in names:
        (tmp_path / name).touch()
    for name in ("ours", "theirs", "both", "model-5.best", *names):
        assert checks.weights("CKPT", name) == str(tmp_path / name)
    assert checks.weights("CKPT", ".") == str(tmp_path)  # the newest one in it
    refused(checks.weights, "our", "our is not a file, nor is our.ckpt or our.index")
    refused(
        checks.weights, "model-5", "model-5 is not a file, nor is model-5.ckpt or model-5.index"
    )
    deny(monkeypatch, tmp_path / "ours.ckpt")
    refused(
        checks.weights,
        "ours",
        f"{tmp_path}/ours.ckpt cannot be read; chmod it or run as another user",
    )


def test_numbers_are_passed_on_in_plain_form():
    assert checks.number("ID", "0") == "0" and checks.number("ID", "007") == "7"
    assert checks.count("NUM", "1") == "1" and checks.count("NUM", "08") == "8"
    assert checks.device_list("IDS", "5") == "5" and checks.device_list("IDS", "2,00,1") == "2,0,1"


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "\u00b2", "\u0663"])
def test_what_is_no_number(text):
    """Superscript two and the Arabic three are digits to Python."""
    for check in (checks.number, checks.count, checks.device_list):
        refused(check, text, f"{text!r} is not a number (0, 1, ...)")


def test_a_count_begins_at_one():
    refused(checks.count, "0", "'0' must be at least 1")


def test_a_device_is_named_once():
    refused(checks.device_list, "0,1,00", "0,1,00 names a device twice")


def test_ranks_are_a_number_or_a_file(tmp_path):
    table_file = tmp_path / "table.json"
    table_file.touch()
    assert checks.ranks("RANKS", "08") == "8"
    assert checks.ranks("RANKS", str(table_file)) == str(table_file)
    refused(checks.ranks, "0", "'0' must be at least 1")
    refused(checks.ranks, "none.json", "none.json is not a file")


def test_a_choice_takes_its_words_only():
    check = checks.choice("Kitti", "TUM")
    assert [check("NAME", word) for word in ("Kitti", "TUM")] == ["Kitti", "TUM"]
    refused(check, "kitti", "'kitti' is not one of Kitti, TUM")
    assert checks.text("NAME", "kitti") == "kitti"


def test_an_argument_becomes_flags():
    plain = table.Argument("N", "--n")
    assert plain.checked("x") == "x" and plain.flags("x") == ["--n", "x"] and str(plain) == "N"
    steering = table.Argument("N", required=False)
    assert steering.flags("x") == [] and str(steering) == "[N]"
    word = table.Argument("a|b", words={"a": ("--a",), "b": ()})
    assert word.flags(word.checked("a")) == ["--a"] and word.flags("b") == []
    with pytest.raises(UsageError, match=r"a\|b: 'c' is not one of a, b"):
        word.checked("c")


def test_of_the_shared_arguments_only_the_device_target_may_be_left_out():
    """run_eval.sh 0 all: what else a line of the originals has must be there."""
    shared = (table.RANKS, table.DEVICE_NUM, table.DEVICE_IDS, table.DEVICE_ID, table.DEVICE_TARGET)
    assert [str(argument) for argument in shared] == [
        *("RANK_TABLE_FILE|DEVICE_NUM", "DEVICE_NUM", "DEVICE_IDS", "DEVICE_ID"),
        "[DEVICE_TARGET]",
    ]
