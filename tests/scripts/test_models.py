"""The rows of the models agree with the models, and the README with the scripts."""

import importlib
import re

import pytest
import yaml

from scripts.launching.checks import UsageError
from scripts.launching.request import COMMANDS
from scripts.launching.table import Pipeline
from scripts.models import MODELS
from tests.scripts.launchers import SCRIPTS

REPOSITORY = SCRIPTS.parent
# What the launchers add of their own, beside the flags of a row.
ADDED = {
    "train": {"device_target"},
    "distribute": {"device_target", "run_distribute"},
    "gpu": {"device_target", "run_distribute", "device_id"},
    "eval": {"device_target"},
    "export": {"device_target"},
    "full": {"device_target"},
    "performance": {"device_target"},
}
WITH_CHOICES = ("depthnet", "midas")  # models whose launchers take words of config.yaml


def names(words):
    """Keys that the flags among some words name."""
    return {word[2:] for word in words if word.startswith("--")}


def calls():
    """(model, command, entry point, keys that it is called with) of every row."""
    for model, row in MODELS.items():
        for command, what in row.commands.items():
            if isinstance(what, Pipeline):
                stages = [stage for stage in what.stages if stage[0] not in what.tools]
            else:
                given = [flag for argument in what.arguments for flag in possible(argument)]
                stages = [(what.entry, *what.flags, *given)]
            for entry, *words in stages:
                yield model, command, entry, names(words) | ADDED[command]
        yield model, "310", "preprocess.py", names(row.serving.preprocess)
        yield model, "310", "postprocess.py", names(row.serving.postprocess)
        tools = row.commands["full"].tools  # programs that read no configuration, as prepare/ has
        for quickstart in row.quickstarts.values():
            for _, program, *words in quickstart.steps:
                if program not in ("-m", *tools) and not program.startswith("prepare/"):
                    yield model, "quickstart", program, names(words) - {"config_path"}


def possible(argument):
    """Every flag that an argument may become."""
    return [flag for flags in argument.words.values() for flag in flags] or [argument.flag]


@pytest.mark.parametrize(
    "call", [*calls()], ids=lambda call: "-".join((call[0], call[1], call[2].removesuffix(".py")))
)
def test_a_program_gets_only_flags_that_it_reads(call):
    model, _, entry, given = call
    program = importlib.import_module(f"{model}.src.model_utils.program")
    read = program.keys_read(REPOSITORY / model / entry)
    assert read, f"{model}/{entry} reads no key"
    assert given <= read, f"{model}/{entry} does not read {given - read}"


def test_every_model_has_every_command():
    wanted = {command for command, _ in COMMANDS.values()}
    for model, row in MODELS.items():
        assert set(row.commands) == wanted, model
        assert "" in row.quickstarts and row.serving.arguments, model


def test_a_row_is_a_folder_with_a_config():
    for model in MODELS:
        assert (REPOSITORY / model / "config.yaml").is_file()


def test_no_script_but_the_rows_knows_a_model():
    """A branch on a model's name would be a second place to edit for a new one."""
    code = [*SCRIPTS.glob("*.py"), *SCRIPTS.rglob("*/*.py")]
    for path in code:
        own = path.parent.name == "models" or path.name.startswith("compare_")
        if own or path.name == "scaling.py":
            continue
        text = path.read_text()
        assert not re.search("|".join(MODELS), text.lower()), path
    for path in SCRIPTS.rglob("*.sh"):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        named = [line for line in lines if re.search("|".join(MODELS), line)]
        # quickstart.sh without a word takes this one.
        assert named == (["[[ $# -gt 0 ]] || set -- midas"] if path.stem == "quickstart" else [])


def test_readme_names_every_script():
    text = (SCRIPTS / "README.md").read_text()
    for path in SCRIPTS.glob("*.sh"):
        assert re.search(rf"\b{path.name}\b", text), f"scripts/README.md does not name {path.name}"


@pytest.mark.parametrize("model", MODELS)
def test_the_launchers_take_every_choice_of_config_yaml_and_no_other_word(model):
    """They answer before MindSpore is there, so they have the choices of their words too."""
    sections = yaml.safe_load((REPOSITORY / model / "config.yaml").read_text())
    compared = model not in WITH_CHOICES
    for what in MODELS[model].commands.values():
        for argument in () if isinstance(what, Pipeline) else what.arguments:
            choices = sections["allowed"].get((argument.flag or "")[2:])
            if not isinstance(choices, list):
                continue
            compared += 1
            assert [argument.check(argument.name, choice) for choice in choices] == choices
            with pytest.raises(UsageError):
                argument.check(argument.name, "another")
    assert compared
