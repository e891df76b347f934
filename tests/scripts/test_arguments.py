"""Words of a command line: the model they are about, arguments, flags, switches."""

import pytest

from scripts.launching import arguments, checks
from scripts.launching.arguments import match_arguments, model_of, split_words, switch
from scripts.launching.checks import UsageError
from scripts.launching.table import DEVICE_TARGET, Argument
from tests.conftest import REPOSITORY


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder with the folders of the models and one of another name."""
    for name in ("depthnet/src", "midas", "other"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("ZOO_MODELS_DIR", str(tmp_path))
    return tmp_path


def test_the_models_are_those_of_the_repository_or_of_a_named_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for unset in (None, ""):
        monkeypatch.delenv("ZOO_MODELS_DIR", raising=False)
        if unset is not None:
            monkeypatch.setenv("ZOO_MODELS_DIR", unset)
        assert arguments.models_folder() == arguments.ROOT == REPOSITORY
    monkeypatch.setenv("ZOO_MODELS_DIR", "copies")
    assert arguments.models_folder() == tmp_path / "copies"


def test_the_first_word_names_the_model_wherever_one_is(models, monkeypatch):
    for here in (models, models / "midas"):
        monkeypatch.chdir(here)
        assert model_of(["depthnet", "a", "b"]) == ("depthnet", ["a", "b"])


@pytest.mark.parametrize("words", [["a", "depthnet"], []])
def test_in_a_model_s_folder_or_below_it_no_word_names_it(models, monkeypatch, words):
    for here, model in (("depthnet", "depthnet"), ("depthnet/src", "depthnet"), ("midas", "midas")):
        monkeypatch.chdir(models / here)
        assert model_of(words) == (model, words)


@pytest.mark.parametrize("here", [".", "..", "other", "/"])
def test_elsewhere_it_has_to_be_named(models, monkeypatch, here):
    monkeypatch.chdir(models / here)
    for words, given in ((["a", "depthnet"], "'a'"), ([], "''")):
        with pytest.raises(UsageError) as caught:
            model_of(words)
        assert (
            str(caught.value)
            == f"unknown model {given}; the models are depthnet, geonet, midas, monodepth2"
        )


@pytest.mark.parametrize(
    ("text", "on"),
    [("1", True), ("true", True), ("TRUE", True), ("0", False), ("False", False), ("", False)],
)
def test_a_switch_is_on_or_off(monkeypatch, text, on):
    monkeypatch.setenv("BACKGROUND", text)
    assert switch("BACKGROUND") is on


def test_a_switch_that_is_not_set_is_off_and_another_word_is_refused(monkeypatch):
    monkeypatch.delenv("BACKGROUND", raising=False)
    assert switch("BACKGROUND") is False
    monkeypatch.setenv("BACKGROUND", "Yes")
    with pytest.raises(UsageError, match="^BACKGROUND=yes: write 1 or 0$"):
        switch("BACKGROUND")


def test_flags_begin_at_the_first_word_with_two_dashes(monkeypatch):
    monkeypatch.delenv("DRY_RUN", raising=False)
    assert split_words(["a", "-1", "--x", "2", "b"]) == (["a", "-1"], ["--x", "2", "b"], False)
    assert split_words(["a"]) == (["a"], [], False)
    assert split_words([]) == ([], [], False)


def test_a_dry_run_is_a_flag_at_any_place_or_a_variable(monkeypatch):
    monkeypatch.delenv("DRY_RUN", raising=False)
    assert split_words(["--dry_run", "a", "--x"]) == (["a"], ["--x"], True)
    assert split_words(["a", "--x", "--dry_run"]) == (["a"], ["--x"], True)
    monkeypatch.setenv("DRY_RUN", "1")
    assert split_words(["a"]) == (["a"], [], True)


WANTED = (
    Argument("DEVICE_NUM", check=checks.count),
    Argument("DATA_NAME", "--data_name", checks.choice("Kitti", "all")),
    Argument("CKPT", "--ckpt_path", required=False),
    DEVICE_TARGET,
)


def test_arguments_become_values_and_flags():
    values, flags = match_arguments("midas", WANTED, ["02", "all"])
    assert values == {"DEVICE_NUM": "2", "DATA_NAME": "all"} and flags == ["--data_name", "all"]
    values, flags = match_arguments("midas", WANTED, ["1", "Kitti", "a.ckpt", "GPU"])
    assert values["CKPT"] == "a.ckpt"
    # The target is not among the flags: the launcher has it in an environment variable too.
    assert values["DEVICE_TARGET"] == "GPU"
    assert flags == ["--data_name", "Kitti", "--ckpt_path", "a.ckpt"]
    assert match_arguments("midas", (), []) == ({}, [])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "midas needs DEVICE_NUM"),
        (["1"], "midas needs DATA_NAME"),
        (["1", "TUM"], "DATA_NAME: 'TUM' is not one of Kitti, all"),
        (
            ["1", "all", "c", "GPU", "d", "e"],
            "unexpected argument 'd'; flags of the program begin with --",
        ),
    ],
)
def test_too_few_too_many_or_wrong_arguments(given, expected):
    with pytest.raises(UsageError) as caught:
        match_arguments("midas", WANTED, given)
    assert str(caught.value) == expected
