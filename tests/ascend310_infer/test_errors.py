"""What a user can get wrong: one clear line, the right exit code, no crash."""

import json
import shutil

import cv2
import pytest

from tests.ascend310_infer.conftest import DATA, model, photo

TINY = ["--mindir", model("tiny")]
COARSE = ["--mindir", model("pair_coarse")]  # of fixed sizes
CARDS = ["Ascend310", "Ascend310P"]


@pytest.fixture
def images(tmp_path):
    """A folder with three good pictures."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), photo(index))
    return folder


def _copy(name, folder, **changes):
    """A graph and its sidecar in another folder, with top-level changes of the sidecar."""
    shutil.copy(model(name), folder)
    sidecar = json.loads((DATA / f"{name}.json").read_text())
    (folder / f"{name}.json").write_text(json.dumps({**sidecar, **changes}))
    return folder / f"{name}.mindir"


def test_a_newer_mindir_names_the_exporter_to_use(infer, images, tmp_path):
    shutil.copy(DATA / "newer.mindir", tmp_path)
    shutil.copy(DATA / "pair_coarse.json", tmp_path / "newer.json")
    line = infer.refuse("--mindir", "newer.mindir", "--input", images)
    assert "newer.mindir: exported by MindSpore 2." in line and "(MindIR version 3)" in line
    assert "export it with MindSpore 2.0.0" in line


@pytest.mark.parametrize("device", CARDS)
def test_a_missing_card_is_named(infer, images, device):
    flags = [*COARSE, "--input", images, "--device_id", 5, "--precision", "preferred_fp32"]
    line = infer.refuse(*flags, device=device, status=1)
    assert f"pair_coarse.mindir on {device} 5, MindSpore Lite 2.0.0: cannot be built" in line
    assert "npu-smi" in line and "exported by MindSpore 2.0.0" in line


@pytest.fixture
def no_runtime(infer, build, tmp_path):
    """The program without its module: what it refuses now, it refuses before it loads Lite."""
    shutil.copy(build / "main", tmp_path / "main")
    infer.program = tmp_path / "main"
    return infer


@pytest.mark.parametrize("device", CARDS)
def test_a_card_is_not_asked_for_another_batch(no_runtime, images, device):
    flags = [*COARSE, "--input", images]
    line = no_runtime.refuse(*flags, "--batch", 4, device=device)
    assert "--batch 4: the graph of " in line and "pair_coarse.json takes batches of 1 " in line
    assert f"on {device}; leave --batch out, or export the graph for that batch" in line
    for batch in ([], ["--batch", 1]):
        line = no_runtime.refuse(*flags, *batch, device=device)
        assert "MindSpore Lite cannot be loaded" in line


def test_a_card_needs_every_size_beforehand(no_runtime, images, tmp_path):
    line = no_runtime.refuse("--mindir", model("free"), "--input", images, device="Ascend310")
    assert "free.json: input image is [1, 3, ?, ?], but a card needs every size" in line
    assert "dynamic_dims" in line
    shutil.copy(model("converted"), tmp_path)
    shutil.copy(DATA / "tiny.json", tmp_path / "converted.json")
    flags = ["--mindir", "converted.mindir", "--input", images, "--batch", 2]
    assert "Lite cannot be loaded" in no_runtime.refuse(*flags, device="Ascend310")


def test_a_graph_that_was_compiled_for_a_card(no_runtime, images, tmp_path):
    path = _copy("tiny", tmp_path)
    # A message that occurs twice is merged: this adds converter_lite's parameter to the graph.
    name = b"\x3a\x0bACL_om_data"
    parameter = b"\x1a" + bytes([len(name)]) + name
    path.write_bytes(path.read_bytes() + b"\x3a" + bytes([len(parameter)]) + parameter)
    flags = ["--mindir", path, "--input", images]
    line = no_runtime.refuse(*flags)
    assert "tiny.mindir: compiled for a card" in line and "export.py" in line
    line = no_runtime.refuse(*flags, "--precision", "enforce_fp32", device="Ascend310")
    assert "its precision was fixed when it was converted" in line
    assert "Lite cannot be loaded" in no_runtime.refuse(*flags, device="Ascend310")


def test_files_that_are_not_there(infer, images, tmp_path):
    assert "gone.mindir: no such model" in infer.refuse(
        "--mindir", "gone.mindir", "--input", images
    )
    assert "gone: no such file" in infer.refuse(*TINY, "--input", "gone")
    (tmp_path / "empty").mkdir()
    assert "empty: no input files" in infer.refuse(*TINY, "--input", "empty")
    shutil.copy(model("tiny"), tmp_path)
    line = infer.refuse("--mindir", "tiny.mindir", "--input", images)
    assert "tiny.json: no such file" in line and "export.py" in line


def test_a_sidecar_of_another_model(infer, images, tmp_path):
    inputs = json.loads((DATA / "tiny.json").read_text())["inputs"]
    path = _copy("tiny", tmp_path, inputs=[{**inputs[0], "shape": [1, 3, 30, 32]}])
    line = infer.refuse("--mindir", path, "--input", images)
    assert "tiny.json: input image is [1, 3, 30, 32], in the graph it is [?, 3, 24, 32]" in line


def test_graphs_that_do_not_follow_each_other(infer, images):
    fine = ["--mindir", model("pair_fine"), "--input", images]
    assert "--fine_mindir" in infer.refuse(*fine)
    line = infer.refuse(*TINY, "--fine_mindir", model("pair_fine"), "--input", images)
    assert "prepares images in another way" in line


def test_a_batch_that_the_graph_cannot_take(infer, images, tmp_path):
    inputs = json.loads((DATA / "tiny.json").read_text())["inputs"]
    path = _copy("tiny", tmp_path, inputs=[{**inputs[0], "shape": [4, 3, 24, 32]}])
    line = infer.refuse("--mindir", path, "--input", images, "--batch", 3)
    assert "--batch 3: the graph of " in line and "tiny.json takes batches of 4 " in line


def test_pictures_of_what_is_no_depth(infer, images, tmp_path):
    outputs = json.loads((DATA / "tiny.json").read_text())["outputs"]
    path = _copy("tiny", tmp_path, outputs=outputs[::-1])
    line = infer.refuse("--mindir", path, "--input", images, "--formats", "png")
    assert "confidence is no depth" in line
    infer("--mindir", path, "--input", images)


def test_output_that_cannot_be_written(infer, images, tmp_path):
    (tmp_path / "file").write_text("x")
    flags = [*TINY, "--input", images]
    assert "file: cannot be made a folder" in infer.refuse(*flags, "--output", "file")
    (tmp_path / "out" / "1_0.bin").mkdir(parents=True)
    line = infer.refuse(*flags, "--output", "out", status=1)
    assert "1_0.bin: cannot be written (Is a directory)" in line


def test_a_missing_runtime_is_one_line(no_runtime, images):
    line = no_runtime.refuse(*TINY, "--input", images)
    assert "MindSpore Lite cannot be loaded" in line and "scripts/install_lite.sh" in line


def test_wrong_flags(infer, images):
    for flags, word in [
        (["--mindri", "x"], "--mindri"),
        (["--batch", "many"], "--batch"),
        (["--formats", "gif"], "gif"),
        (["--threads", "0"], "--threads"),
        (["--precision", "fp32"], "enforce_fp32"),
        (["--precision", "enforce_fp32"], "--precision: only on a card; the CPU computes in"),
    ]:
        _, err = infer(*TINY, "--input", images, *flags, status=2)
        assert word in err and len(err.splitlines()) == 2  # the second: "Run with --help ..."
    _, err = infer("--input", images, status=2)
    assert "--mindir is required" in err
