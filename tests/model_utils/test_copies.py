"""src/model_utils and src/sfm_utils are the same in every model folder, and the script fixes it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SYNC = REPOSITORY / "scripts" / "sync_model_utils.sh"


SETS = ("model_utils", "sfm_utils")


def shared_files(root):
    """Files of both sets in all model folders."""
    return sorted(path for name in SETS for path in root.glob(f"*/src/{name}/*.py"))


def different_copies(root):
    """A line for each shared file whose copies differ, with the command to fix it."""
    copies = {}
    for path in shared_files(root):
        model, _, *name = path.relative_to(root).parts
        copies.setdefault("/".join(name), {}).setdefault(path.read_bytes(), []).append(model)
    lines = []
    for name, versions in copies.items():
        if len(versions) > 1:
            groups = " | ".join(" = ".join(models) for models in versions.values())
            fix = "bash scripts/sync_model_utils.sh <the model that is right>"
            lines.append(f"src/{name} differs: {groups}; fix it with: {fix}")
    return lines


def sync(root, *arguments):
    """Run the script on the model folders below `root`."""
    environ = {**os.environ, "ZOO_MODELS_DIR": str(root)}
    command = ["bash", str(SYNC), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def test_copies_are_identical():
    assert not different_copies(REPOSITORY), "\n".join(different_copies(REPOSITORY))


def test_every_file_says_that_it_is_a_copy():
    for path in shared_files(REPOSITORY):
        first = path.read_text().split("\n", 1)[0]
        assert first.startswith('"""Identical in every model folder'), path


@pytest.fixture
def models(tmp_path):
    """Three model folders; c leaves out the file extra.py."""
    for model in ("a", "b", "c"):
        shutil.copytree(REPOSITORY / "depthnet" / "src" / "model_utils", _utils(tmp_path, model))
        if model != "c":
            (_utils(tmp_path, model) / "extra.py").write_text("x = 1\n")
    return tmp_path


def _utils(root, model):
    return root / model / "src" / "model_utils"


def test_a_difference_is_named_and_fixed(models):
    with (_utils(models, "b") / "config.py").open("a") as file:
        file.write("\n")
    (line,) = different_copies(models)
    assert line == (
        "src/model_utils/config.py differs: a = c | b; "
        "fix it with: bash scripts/sync_model_utils.sh <the model that is right>"
    )
    done = sync(models, "b")
    changed = [f"{model}/src/model_utils/config.py: now that of b" for model in "ac"]
    assert done.stdout.splitlines() == [*changed, "2 file(s) changed"]
    assert not different_copies(models)
    assert (_utils(models, "a") / "config.py").read_text().endswith("\n\n")


def test_the_second_set_is_copied_too(models):
    for model in ("a", "b"):
        folder = models / model / "src" / "sfm_utils"
        folder.mkdir()
        (folder / "poses.py").write_text(f"# {model}\n")
    (line,) = different_copies(models)
    assert line.startswith("src/sfm_utils/poses.py differs: a | b; fix it with: bash scripts/sync")
    done = sync(models, "b")
    assert done.stdout == "a/src/sfm_utils/poses.py: now that of b\n1 file(s) changed\n"
    assert not different_copies(models) and not (models / "c" / "src" / "sfm_utils").exists()


def test_a_file_that_a_folder_leaves_out_stays_out(models):
    (_utils(models, "a") / "extra.py").write_text("x = 2\n")
    assert sync(models, "a").stdout.endswith("1 file(s) changed\n")
    assert (_utils(models, "b") / "extra.py").read_text() == "x = 2\n"
    assert not (_utils(models, "c") / "extra.py").exists()


@pytest.mark.parametrize("arguments", [(), ("a", "b")])
def test_usage(models, arguments):
    done = sync(models, *arguments)
    assert done.returncode == 2 and "Usage: bash scripts/sync_model_utils.sh MODEL" in done.stderr


@pytest.mark.parametrize("model", ["d", "a/../b", ""])
def test_unknown_model(models, model):
    done = sync(models, model)
    assert done.returncode == 2 and done.stderr.startswith(f"error: '{model}' is not a model")
    assert len(done.stderr.splitlines()) == 1
