"""Broken input in bulk through the sanitized program: no crash, every bad file named, exit 2."""

import json

import cv2
import numpy as np
import pytest

from tests.ascend310_infer.conftest import DATA, model, photo

# The sanitized build takes half a minute.
pytestmark = pytest.mark.slow

GOOD = ("good_0.png", "good_1.jpg", "zz_good.png")
BIN_SIZE = 3 * 24 * 32 * 4
TINY = ["--mindir", model("tiny")]


@pytest.fixture
def broken(tmp_path):
    """A folder of good files between bad ones; returns (folder, names of the bad ones)."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index, name in enumerate(GOOD):
        cv2.imwrite(str(folder / name), photo(index))
    rng = np.random.default_rng(0)
    bad = {"empty.png": b"", "empty.bin": b"", "text.jpg": b"not an image\n" * 50}
    for ending in (".png", ".jpg", ".bmp", ".webp", ".tiff"):
        whole = cv2.imencode(ending, photo(5, 24, 32))[1].tobytes()
        cuts = rng.choice(len(whole) - 20, 12, replace=False) if ending in (".png", ".jpg") else [9]
        for cut in cuts:
            bad[f"cut_{cut}{ending}"] = whole[:cut]
        bad[f"noise{ending}"] = whole[:8] + rng.bytes(300)
    for size in (1, BIN_SIZE - 4, BIN_SIZE - 1, BIN_SIZE + 1, 2 * BIN_SIZE):
        bad[f"size_{size}.bin"] = bytes(size)
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    return folder, set(bad)


def test_good_files_are_done_with_skip_bad(infer_sanitized, broken):
    folder, bad = broken
    out, err = infer_sanitized(*TINY, "--input", folder, "--skip_bad", "--batch", 2, status=2)
    # The decoders' own remarks come between ours.
    lines = [line for line in err.splitlines() if str(folder) in line or "left out" in line]
    named = {name for name in bad for line in lines if f"/{name}: " in line}
    assert named == bad
    assert len(lines) == len(bad) + 1 and lines[-1] == (
        f"{len(bad)} of {len(bad) + len(GOOD)} files were bad and left out"
    )
    results = {path.name for path in (infer_sanitized.folder / "result_Files").iterdir()}
    stems = [name.split(".")[0] for name in GOOD]
    assert results == {f"{stem}_{k}.bin" for stem in stems for k in range(2)}
    assert f"infer_count {len(GOOD)}" in out


def test_the_first_bad_file_stops_the_run(infer_sanitized, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(8):
        cv2.imwrite(str(folder / f"{index}.png"), photo(index))
    for index in (3, 5):
        (folder / f"{index}.png").write_bytes(b"broken")
    line = infer_sanitized.refuse(*TINY, "--input", folder)
    assert "3.png: not readable as an image" in line
    done = {path.name for path in (tmp_path / "result_Files").glob("*_0.bin")}
    assert done == {f"{index}_0.bin" for index in range(3)}


def test_bits_flipped_in_images(infer_sanitized, tmp_path):
    """Damage that a decoder may or may not notice: done or named, never a crash."""
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for index in range(60):
        ending = (".png", ".jpg", ".bmp")[index % 3]
        content = bytearray(cv2.imencode(ending, photo(index, 24, 32))[1].tobytes())
        for at in rng.integers(2, len(content), 6):
            content[at] ^= 1 << int(rng.integers(8))
        (folder / f"{index:02}{ending}").write_bytes(content)
    cv2.imwrite(str(folder / "zz.png"), photo(1))
    flags = [*TINY, "--input", folder, "--skip_bad"]
    _, err = infer_sanitized(*flags, status=2)
    named = {index for index in range(60) if f"/{index:02}." in err}
    done = {path.name for path in (tmp_path / "result_Files").glob("*_0.bin")}
    assert done == {f"{i:02}_0.bin" for i in range(60) if i not in named} | {"zz_0.bin"}


def test_every_picture_format_of_a_good_run_is_clean(infer_sanitized, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), photo(index, 20 + index, 31))
    pair = ["--mindir", model("pair_coarse"), "--fine_mindir", model("pair_fine")]
    infer_sanitized(*pair, "--input", folder, "--formats", "bin,png,pfm,color", "--batch", 2)
    assert len(list((tmp_path / "result_Files").iterdir())) == 5 * 4


@pytest.mark.parametrize("seed", range(12))
def test_broken_sidecars_and_graphs(infer_sanitized, tmp_path, seed):
    """Text cut, bytes changed or values swapped for others of any type; or the graph cut."""
    rng = np.random.default_rng(seed)
    cv2.imwrite(str(tmp_path / "a.png"), photo(0))
    text = (DATA / "tiny.json").read_text()
    graph = model("tiny").read_bytes()
    if seed % 4 == 0:
        text = text[: int(rng.integers(len(text) - 3))]
    elif seed % 4 == 1:
        graph = graph[: int(rng.integers(len(graph) - 40))]
    elif seed % 4 == 2:
        graph = rng.bytes(500)
    else:
        sidecar = json.loads(text)
        section = [sidecar, sidecar["image"], sidecar["inputs"][0]][seed // 4 % 3]
        key = sorted(set(section) - {"name", "model", "graph"})[seed % 3]
        section[key] = [None, -7, "x", [], 1e300][int(rng.integers(5))]
        text = json.dumps(sidecar)
    (tmp_path / "m.json").write_text(text)
    (tmp_path / "m.mindir").write_bytes(graph)
    line = infer_sanitized.refuse("--mindir", "m.mindir", "--input", "a.png")
    assert "m.json" in line or "m.mindir" in line


VIDEO = ("motion", "steps", "warp")


@pytest.fixture
def drive(tmp_path):
    """A folder of five images of one size."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), photo(index))
    return folder


@pytest.mark.parametrize(
    ("graphs", "formats"),
    [(VIDEO, "bin,flo,png,color"), (("motion",), "bin,png,pfm,color,ply"), (("steps",), "bin,tum")],
)
def test_a_good_run_of_several_images_is_clean(infer_sanitized, drive, graphs, formats):
    batch = 1 if "warp" in graphs else 2
    flags = ["--mindir", *map(model, graphs), "--input", drive, "--batch", batch]
    out, _ = infer_sanitized(*flags, "--formats", formats)
    assert "infer_count 3" in out


def _places(tree, path=()):
    """Where a JSON tree has values: tuples of keys."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from _places(value, (*path, key))


@pytest.mark.parametrize("seed", range(30))
def test_broken_sidecars_of_several_images(infer_sanitized, drive, tmp_path, seed):
    """Any value of any of three sidecars swapped for another: it runs, or one line says why not."""
    rng = np.random.default_rng(seed)
    trees = {name: json.loads((DATA / f"{name}.json").read_text()) for name in VIDEO}
    tree = trees[VIDEO[seed % 3]]
    places = list(_places(tree))
    *path, key = places[int(rng.integers(len(places)))]
    for step in path:
        tree = tree[step]
    others = [None, -7, 0, 2, 17, "x", "pose", "flow", [], [[]], {}, 1e300, 0.5, [1, 3, 24, 32]]
    tree[key] = others[int(rng.integers(len(others)))]
    for name in VIDEO:
        (tmp_path / f"{name}.mindir").write_bytes(model(name).read_bytes())
        (tmp_path / f"{name}.json").write_text(json.dumps(trees[name]))
    graphs = [f"{name}.mindir" for name in VIDEO]
    flags = ["--mindir", *graphs, "--input", drive, "--formats", "bin,flo,png,color"]
    done = infer_sanitized.attempt(*flags)
    lines = [line for line in done.stderr.splitlines() if line]
    assert done.returncode in (0, 1, 2), done.stderr
    assert len(lines) == (done.returncode > 0) and all(x.startswith("error: ") for x in lines)
