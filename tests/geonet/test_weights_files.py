"""Weights are found under every name that a user may give; what was looked for is said."""

import shutil
from pathlib import Path

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.weights import find_weights
from tests.geonet.tf_files import GOLDEN


def put(folder, *names):
    """Empty files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def refuse(path, **options):
    with pytest.raises(InputError) as error:
        find_weights(path, **options)
    return str(error.value)


TENSORFLOW = ("model-5.index", "model-5.meta", "model-5.data-00000-of-00001")


@pytest.mark.parametrize("given", ["model-5", *TENSORFLOW])
def test_a_tensorflow_checkpoint_by_its_prefix_or_any_of_its_files(tmp_path, given):
    put(tmp_path, *TENSORFLOW)
    assert find_weights(str(tmp_path / given)) == tmp_path / "model-5.index"


def test_a_prefix_with_a_dot(tmp_path):
    put(tmp_path, "model.ckpt-5.index", "model.ckpt.index", "v1.2.ckpt")
    assert find_weights(tmp_path / "model.ckpt-5") == tmp_path / "model.ckpt-5.index"
    assert find_weights(tmp_path / "model.ckpt") == tmp_path / "model.ckpt.index"
    assert find_weights(tmp_path / "v1.2") == tmp_path / "v1.2.ckpt"


def test_ours_comes_before_tensorflow_s_unless_the_file_is_named(tmp_path):
    put(tmp_path, "model-5.ckpt", *TENSORFLOW)
    assert find_weights(tmp_path / "model-5") == tmp_path / "model-5.ckpt"
    assert find_weights(tmp_path / "model-5.meta") == tmp_path / "model-5.index"
    assert find_weights(tmp_path / "model-5.ckpt") == tmp_path / "model-5.ckpt"


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path, "model-5.ckpt")
    assert find_weights("~/model-5") == tmp_path / "model-5.ckpt"


def test_a_path_below_the_working_folder(tmp_path, monkeypatch):
    put(tmp_path, "model-5.ckpt", "checkpoint")
    monkeypatch.chdir(tmp_path)
    assert find_weights("model-5") == Path("model-5.ckpt")
    assert find_weights(".") == Path("model-5.ckpt")


def test_a_file_of_another_name_is_taken_as_it_is(tmp_path):
    put(tmp_path, "weights.bin")
    assert find_weights(tmp_path / "weights.bin") == tmp_path / "weights.bin"


def test_the_highest_step_of_a_folder(tmp_path):
    names = [f"model-{step}.ckpt" for step in (9000, 15000, 500)]
    put(
        tmp_path, *names, "model-99999.index", "model_best.ckpt", "state_20000.ckpt", "model-x.ckpt"
    )
    assert find_weights(tmp_path) == tmp_path / "model-15000.ckpt"


def test_the_original_s_folder():
    assert find_weights(GOLDEN / "ckpt_pose") == GOLDEN / "ckpt_pose" / "model-12345.index"


def listed(folder, text):
    put(folder, "model-5.index", "model-15.index", "model-25.index")
    (folder / "checkpoint").write_text(text)
    return folder


def test_tensorflow_s_list_says_which_is_the_newest(tmp_path):
    text = 'model_checkpoint_path: "model-15"\nall_model_checkpoint_paths: "model-25"\n'
    assert find_weights(listed(tmp_path, text)) == tmp_path / "model-15.index"


def test_a_list_that_has_moved_with_its_checkpoints(tmp_path):
    listed(tmp_path / "a", f'model_checkpoint_path: "{tmp_path}/a/model-5"\n')
    assert find_weights(tmp_path / "a") == tmp_path / "a" / "model-5.index"
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert find_weights(tmp_path / "b") == tmp_path / "b" / "model-5.index"


def test_without_a_list_the_highest_step(tmp_path):
    put(tmp_path, "model-5.index", "model-15.index")
    assert find_weights(tmp_path) == tmp_path / "model-15.index"


def test_the_only_checkpoint_of_a_folder(tmp_path):
    # As the original's published weights: a name without a step, and no list.
    put(tmp_path, "model.index", "model.data-00000-of-00001", "model.meta", "state_5.ckpt")
    assert find_weights(tmp_path) == tmp_path / "model.index"
    assert find_weights(f"{tmp_path}/model/") == tmp_path / "model.index"
    put(tmp_path, "model_sn.index")
    line = f"init_ckpt_file {tmp_path} is a folder with model.index, model_sn.index; give one of"
    assert refuse(tmp_path) == f"{line} them"
    put(tmp_path, "a.ckpt", "b.ckpt")
    assert "with a.ckpt, b.ckpt, model.index, ...; give one of them" in refuse(tmp_path)


def test_a_list_that_does_not_help(tmp_path):
    line = refuse(listed(tmp_path / "a", 'model_checkpoint_path: "model-6"\n'))
    assert line == (
        f"{tmp_path}/a/checkpoint names 'model-6', which is not beside it; "
        "give the checkpoint itself, without its ending"
    )
    for text in ("", "model_checkpoint_path: 5", 'model_checkpoint_path: ""', "\0\xff"):
        line = refuse(listed(tmp_path / "b", text))
        assert f"{tmp_path}/b/checkpoint names no model_checkpoint_path; give" in line
    for name in ("/", "..", "a\0b", "n" * 5000):
        text = f'model_checkpoint_path: "{name}"'
        assert f"{tmp_path}/b/checkpoint names " in refuse(listed(tmp_path / "b", text))


def test_what_was_looked_for_is_said(tmp_path):
    path = tmp_path / "model-5"
    assert refuse(path) == (
        f"init_ckpt_file {path} does not exist, nor model-5.ckpt, nor TensorFlow's model-5.index; "
        "train first, or give its path"
    )
    assert refuse(path, key="source_path").startswith(f"source_path {path} does not exist")
    put(path)
    assert refuse(path) == (
        f"init_ckpt_file {path} is a folder without model-<step>.ckpt, and without TensorFlow's "
        "list checkpoint; train first, or give a file"
    )
    assert refuse("").startswith("init_ckpt_file is missing; give it as --init_ckpt_file PATH")


@pytest.mark.parametrize("name", ["model-5.meta", "model-5.data-00000-of-00001"])
def test_a_part_without_the_index(tmp_path, name):
    put(tmp_path, name)
    line = f"{tmp_path}/model-5.index does not exist; put it beside {name}"
    assert refuse(tmp_path / name) == line
