"""The scripts of midas/prepare, run as users run them."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden_files import golden_dir

TOOLS = Path(__file__).resolve().parents[2] / "midas" / "prepare"
GOLDEN = golden_dir("midas") / "files" / "tum_associate"


def run(tool, *arguments, folder, status=0):
    command = [sys.executable, TOOLS / f"{tool}.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


def test_associate_writes_what_the_original_writes(tmp_path):
    out = run("associate", GOLDEN / "rgb.txt", GOLDEN / "depth.txt", folder=tmp_path)
    assert out == (GOLDEN / "stdout.txt").read_text()
    assert (tmp_path / "associate.txt").read_text() == (GOLDEN / "associate.txt").read_text()


def test_associate_with_the_golden_options(tmp_path):
    (expected,) = GOLDEN.glob("associate_offset*_maxdiff*.txt")
    offset, difference = expected.stem.removeprefix("associate_offset").split("_maxdiff")
    options = ("--offset", offset, "--max_difference", difference, "--output", "other.txt")
    run("associate", GOLDEN / "rgb.txt", GOLDEN / "depth.txt", *options, folder=tmp_path)
    assert (tmp_path / "other.txt").read_text() == expected.read_text()


def test_associate_first_only_prints_and_writes_nothing(tmp_path):
    files = (GOLDEN / "rgb.txt", GOLDEN / "depth.txt")
    out = run("associate", *files, "--first_only", folder=tmp_path)
    words = [line.split()[:2] for line in (GOLDEN / "stdout.txt").read_text().splitlines()]
    assert [line.split() for line in out.splitlines()] == words
    assert not list(tmp_path.iterdir())


def by_definition(first, second, offset, limit):
    """All pairs, sorted: n squared, as the original does it."""
    pairs = sorted((abs(a - (b + offset)), a, b) for a in first for b in second)
    free_a, free_b, matches = set(first), set(second), []
    for difference, a, b in pairs:
        if difference < limit and a in free_a and b in free_b:
            free_a.remove(a)
            free_b.remove(b)
            matches.append((a, b))
    return sorted(matches)


@pytest.mark.parametrize("seed", range(8))
def test_associate_equals_its_definition(tmp_path, seed):
    """Coarse stamps make ties; limits reach from a gap to the whole sequence."""
    rng = random.Random(seed)
    step = rng.choice([0.01, 0.25, 1e-6])
    lists = [sorted({rng.randrange(200) * step for _ in range(60)}) for _ in range(2)]
    offset, limit = rng.choice([0.0, 0.5 * step, -3 * step]), rng.choice([2, 5, 1000]) * step
    for name, stamps in zip(("a.txt", "b.txt"), lists):
        (tmp_path / name).write_text("".join(f"{stamp!r} {stamp!r}\n" for stamp in stamps))
    options = (f"--offset={offset!r}", f"--max_difference={limit!r}")
    run("associate", "a.txt", "b.txt", *options, folder=tmp_path)
    lines = (tmp_path / "associate.txt").read_text().splitlines()
    got = [tuple(map(float, line.split())) for line in lines]
    assert got == by_definition(*lists, offset, limit)


def test_associate_takes_seconds_for_a_day_of_stamps(tmp_path):
    """n squared would take 1e10 comparisons, and with this limit every pair is a candidate."""
    for name, start in (("a.txt", 0.0), ("b.txt", 0.004)):
        stamps = (start + i / 30 for i in range(100_000))
        (tmp_path / name).write_text("".join(f"{stamp:.6f} x\n" for stamp in stamps))
    out = run("associate", "a.txt", "b.txt", "--max_difference", 1e6, folder=tmp_path)
    assert out.count("\n") == 100_000


def test_associate_names_the_bad_line(tmp_path):
    (tmp_path / "a.txt").write_text("1.0 a.png\nnoon b.png\n")
    err = run("associate", "a.txt", "a.txt", folder=tmp_path, status=2)
    assert err == "error: a.txt line 2: 'noon' is not a time stamp\n"
    assert "missing.txt" in run("associate", "missing.txt", "a.txt", folder=tmp_path, status=2)


def kitti(folder, frames):
    """Raw and annotated files of (drive, frame), their names as contents."""
    for drive, frame in frames:
        date = drive.split("_drive_")[0]
        depth = folder / "depth/val" / drive / f"proj_depth/groundtruth/image_02/{frame}.png"
        image = folder / "raw" / date / drive / f"image_02/data/{frame}.png"
        for path in (depth, image):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.relative_to(folder)}")


DRIVE = "2011_09_26_drive_0002_sync"
FOLDERS = ("--image_path", "raw", "--depth_path", "depth", "--output_path", "out")


def test_deal_builds_the_tree(tmp_path):
    kitti(tmp_path, [(DRIVE, "0000000069"), (DRIVE, "0000000054")])
    (tmp_path / "list.txt").write_text(f"{DRIVE} 0000000069\n\n{DRIVE} 0000000054\n")
    out = run("deal", *FOLDERS, "--txt_path", "list.txt", folder=tmp_path)
    assert out == "wrote 2 frames to out; 0 without depth\n"
    found = sorted(str(p.relative_to(tmp_path / "out")) for p in tmp_path.glob("out/*/*/*"))
    kinds = [(kind, frame) for kind in ("depth", "image") for frame in ("0054", "0069")]
    assert found == [f"{DRIVE}/{kind}/000000{frame}.png" for kind, frame in kinds]
    depth = (tmp_path / "out" / DRIVE / "depth" / "0000000069.png").read_text()
    assert depth.startswith("depth/val") and depth.endswith("0000000069.png")


def test_deal_takes_the_eigen_list_and_leaves_out_what_has_no_depth(tmp_path):
    kitti(tmp_path, [(DRIVE, "0000000069")])
    lines = [f"2011_09_26/{DRIVE} {frame} l" for frame in ("0000000069", "0000000000")]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    out = run("deal", *FOLDERS, "--txt_path", "list.txt", folder=tmp_path)
    assert out == "wrote 1 frames to out; 1 without depth\n"


def test_deal_names_missing_files_and_copies_nothing(tmp_path):
    kitti(tmp_path, [(DRIVE, "0000000069")])
    err = run("deal", *FOLDERS, folder=tmp_path, status=2)  # the 161 frames of write_file.txt
    assert err.startswith("error: ") and "write_file.txt: 320 of 322 files are missing: " in err
    assert "0000000006.png" in err and "check --image_path" in err
    assert not (tmp_path / "out").exists()
    (tmp_path / "list.txt").write_text("monday 3\n")
    err = run("deal", *FOLDERS, "--txt_path", "list.txt", folder=tmp_path, status=2)
    assert err == "error: list.txt line 1: 'monday 3' is not `drive frame`\n"


def test_make_mixdata_lists_every_dataset_and_what_has_no_partner(tmp_path):
    for name in ("ReDWeb_V1/Imgs/a.jpg", "ReDWeb_V1/RDs/a.png", "more/Films/Imgs/b.jpg",
                 "more/Films/RDs/b.png", "more/Films/RDs/c.png", "other/x.png"):  # fmt: skip
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    out = run("make_mixdata", "data", folder=tmp_path)
    assert "RW: 1 pairs in ReDWeb_V1\n" in out
    assert "Films: no partner: more/Films/RDs/c.png\n" in out
    mix = json.loads((tmp_path / "data" / "mixdata.json").read_text())
    assert mix == {
        "img": {"RW": "/ReDWeb_V1/Imgs/*", "Films": "/more/Films/Imgs/*"},
        "depth": {"RW": "/ReDWeb_V1/RDs/*", "Films": "/more/Films/RDs/*"},
    }


def test_make_mixdata_says_what_cannot_be_written(tmp_path):
    for name in ("Imgs", "RDs", "mixdata.json"):
        (tmp_path / "A" / name).mkdir(parents=True)
    err = run("make_mixdata", "A", folder=tmp_path, status=2)
    assert err == "error: A/mixdata.json: Is a directory\n"


def test_make_mixdata_refuses_a_folder_without_datasets(tmp_path):
    err = run("make_mixdata", ".", folder=tmp_path, status=2)
    assert err == "error: no folder below . holds Imgs and RDs\n"
