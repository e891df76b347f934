"""Entry points: the keys that they read, --help, one line and an exit code for each failure."""

import ast
import errno
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from depthnet.src.model_utils import program
from depthnet.src.model_utils.config import load_config, read_options, save_config
from depthnet.src.model_utils.errors import InputError, RunError

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = sorted(path.parent.name for path in REPOSITORY.glob("*/config.yaml"))

DEFAULTS = """# A model.
data:
  # About what follows, for those who edit this file.
  data_url: ./NYU     # folder
                      # with images
  shared: 1           # of both
train:
  batch_size: 32      # samples per step
  bare: 2
eval:
  target: auto        # device
accepted:
  old: 0              # has no effect
allowed:
  batch_size: {min: 1}
  bare: [2, 3]
  target: [auto, CPU]
"""

TRAIN = """
from src.model_utils.program import run
from src.context import begin as start, Run
from src import context
from src.package import handed_on


def main(config):
    def inner():
        return config.inner
    helper(config, 2)
    start(1, config)
    context.other(config=config)
    Run("x", config)
    handed_on(config)
    for make in (stage,):
        make(config)
    stages = {"a": stage}
    stages["a"](config)
    vars(config)


def helper(cfg, number):
    return cfg.batch_size


def stage(config):
    return config.stage
"""

CONTEXT = """
def begin(first, configuration):
    second(configuration)
    return configuration.begun


def second(config):
    return config.second


def other(place=0, *, config):
    return config.named


def never(config):
    return config.unread


class Run:
    def __init__(self, text, config):
        self.rate = config.of_class
"""

READ = {"inner", "batch_size", "begun", "second", "named", "of_class", "handed", "stage"}


@pytest.fixture
def model(tmp_path):
    """A model folder; entry points are added by the tests."""
    folder = tmp_path / "model"
    (folder / "src" / "package").mkdir(parents=True)
    (folder / "config.yaml").write_text(DEFAULTS)
    (folder / "src" / "context.py").write_text(CONTEXT)
    (folder / "src" / "package" / "__init__.py").write_text("from .part import handed_on\n")
    part = "from ..context import other\n\n\ndef handed_on(c):\n"
    part += "    other(config=c)\n    return c.handed\n"
    (folder / "src" / "package" / "part.py").write_text(part)
    return folder


def entry(folder, name, body, **names):
    """The main function of an entry point with this body."""
    source = f"def main(config):\n    {body}\n"
    (folder / name).write_text(source)
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py"), folder / name)
    module = importlib.util.module_from_spec(spec)
    vars(module).update(names)
    spec.loader.exec_module(module)
    return module.main


def test_keys_are_found_wherever_the_configuration_is_handed(model):
    (model / "train.py").write_text(TRAIN)
    assert program.keys_read(model / "train.py") == READ


@pytest.mark.parametrize(
    "line",
    [
        "other = config",
        "getattr(config, 'batch_size')",
        "[config]",
        "print(*config)",
        "print(config)",
        "from functools import partial; partial(main, config)",
        "import json; json.dumps(config)",
        "from src.context import missing; missing(config)",
        "from src.context import begin; begin(0, 1, config)",
        "from src.context import Run; Run.begin(0, config)",
        "config()",
    ],
)
def test_a_use_in_which_no_keys_can_be_found_is_an_error(model, line):
    (model / "train.py").write_text(f"def main(config):\n    {line}\n")
    with pytest.raises(TypeError, match=r"train.py, line 2: the keys of config|context.py"):
        program.keys_read(model / "train.py")


def test_a_class_that_keeps_the_configuration_is_an_error(model):
    text = "class Keeper:\n    def __init__(self, config):\n        self.config = config\n"
    (model / "src" / "keeper.py").write_text(text)
    (model / "a.py").write_text("from src.keeper import Keeper\n\nKeeper(config)\n")
    with pytest.raises(TypeError, match=r"keeper.py, line 3: the keys of config"):
        program.keys_read(model / "a.py")


def test_programs_of_a_folder_leave_out_what_reads_no_keys_or_is_something_else(model):
    entry(model, "train.py", "config.batch_size, config.shared")
    entry(model, "eval.py", "return config.shared, config.target")
    (model / "shim.py").write_text("import os\n\nos.execv('python', [])\n")
    (model / "python2.py").write_text("print 'config'\n")
    (model / "own.py").write_text("print(config)\n")
    (model / "latin.py").write_bytes(b"# \xe4\n")
    found = program.programs(model)
    assert found == {"train.py": {"batch_size", "shared"}, "eval.py": {"shared", "target"}}


def exit_code(main, argv=()):
    """Exit code of an entry point; None when it simply ends."""
    try:
        program.run(main, "What it does.\n\nMore.", list(argv))
    except SystemExit as err:
        return err.code
    return None


def test_a_run_prints_what_it_does_and_its_configuration_once(model, printed):
    seen = []
    main = entry(model, "train.py", "seen.append((config.batch_size, config.shared))", seen=seen)
    assert exit_code(main, ["--batch_size", "4"]) is None
    assert seen == [(4, 1)]
    assert printed() == "What it does.\nconfig: shared=1 batch_size=4\n"


def test_the_words_are_those_of_the_command_line(model, printed, monkeypatch):
    main = entry(model, "train.py", "return config.batch_size")
    monkeypatch.setattr(sys, "argv", ["train.py", "--batch_size", "4"])
    program.run(main, "What it does.")
    assert printed() == "What it does.\nconfig: batch_size=4\n"


def test_output_that_nobody_reads_ends_the_program_without_a_word(model):
    entry(model, "train.py", "return config.batch_size")
    with (model / "train.py").open("a") as file:
        file.write("\n\nfrom depthnet.src.model_utils.program import run\n\nrun(main, 'Text.')\n")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, model / "train.py", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_long_configuration_is_wrapped_but_a_path_is_not_broken(model, printed):
    main = entry(model, "train.py", "config.data_url, config.shared, config.batch_size")
    for count, first in ((25, "config: "), (50, "config:\n")):
        exit_code(main, ["--data_url", "a-b" * count])
        shown = printed().split("\n", 1)[1]
        assert shown == f"{first}data_url={'a-b' * count}\nshared=1 batch_size=32\n"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("x: bad; repair it"), 2, "error: x: bad; repair it\n"),
        (RunError("step 3: not finite"), 1, "failed: step 3: not finite\n"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a/b"),
            2,
            "error: a/b: No such file; check the path\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "error: No space left on device; free some space\n",
        ),
    ],
)
def test_failures_end_in_one_line_and_their_exit_code(model, capsys, error, code, line):
    main = entry(model, "train.py", "config.shared; raise error", error=error)
    assert exit_code(main) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("error", [OSError("no number"), KeyError("bug"), ValueError("bug")])
def test_a_bug_keeps_its_traceback(model, error):
    main = entry(model, "train.py", "config.shared; raise error", error=error)
    with pytest.raises(type(error)):
        program.run(main, "Text.", [])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--target", "CPU"],
            "train.py does not read target; it is an option of eval.py, infer.py; "
            "--help lists its own",
        ),
        (["--target", "bad"], "train.py does not read target; it is an option of"),
        (["--data_url", "x"], "train.py does not read data_url; no program reads it"),
        (["--batch_sise", "1"], "unknown option 'batch_sise' on the command line; did you mean"),
        (["--batch_size", "0"], "batch_size: got 0, allowed: min 1; given on the command line"),
    ],
)
def test_mistakes_are_answered_before_anything_is_built(model, capsys, words, line):
    seen = []
    for name in ("eval.py", "infer.py"):
        entry(model, name, "return config.target")
    body = "seen.append((config.batch_size, config.shared))"
    assert exit_code(entry(model, "train.py", body, seen=seen), words) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {line}") and err.count("\n") == 1
    assert not seen and "config:" not in out


def test_help_shows_a_program_s_own_keys_with_meaning_default_and_choices(model, printed):
    main = entry(model, "train.py", "return config.data_url, config.batch_size, config.bare")
    for word in ("--help", "-h"):
        assert exit_code(main, ["--batch_size", word]) is None
        assert printed().splitlines() == [
            "What it does.",
            "",
            "More.",
            "",
            program._USAGE,
            "",
            "data:",
            "  data_url: ./NYU     # folder",
            "                      # with images",
            "train:",
            "  batch_size: 32      # samples per step; min 1",
            "  bare: 2  # 2, 3",
        ]


def test_a_saved_file_may_hold_the_keys_of_other_programs(model, capsys):
    entry(model, "train.py", "return config.batch_size")
    seen = []
    main = entry(model, "eval.py", "seen.append((config.target, config.shared))", seen=seen)
    (model / "saved.yaml").write_text("batch_size: 4\ntarget: CPU\n")
    assert exit_code(main, ["--config_path", str(model / "saved.yaml")]) is None
    assert seen == [("CPU", 1)]
    (model / "saved.yaml").write_text("batch_size: 0\n")
    assert exit_code(main, ["--config_path", str(model / "saved.yaml")]) == 2
    assert f"batch_size: got 0, allowed: min 1; given in {model}" in capsys.readouterr().err


# The programs that users run.


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_read_by_a_program_and_every_read_key_exists(model):
    readers = program.programs(REPOSITORY / model)
    options = read_options(REPOSITORY / model / "config.yaml")
    for name in ("train", "eval", "export", "infer", "convert", "preprocess", "postprocess"):
        assert readers[f"{name}.py"], name
    read = set().union(*readers.values())
    assert read == set(options.defaults) - options.accepted


@pytest.mark.parametrize("model", MODELS)
def test_every_entry_point_s_use_of_the_configuration_can_be_followed(model):
    for path in sorted((REPOSITORY / model).glob("*.py")):
        program.keys_read(path)


@pytest.mark.parametrize("model", MODELS)
def test_the_configuration_ends_at_the_entry_points(model):
    """Below them only the run context, and what reads and saves it, may take it."""
    folder = REPOSITORY / model / "src"
    allowed = {folder / "model_utils" / f"{name}.py" for name in ("config", "context", "program")}
    takers = []
    for path in sorted(set(folder.rglob("*.py")) - allowed):
        for node in ast.walk(ast.parse(path.read_text())):
            arguments = [node.arg] if isinstance(node, (ast.arg, ast.keyword)) else []
            names = [node.id] if isinstance(node, ast.Name) else arguments
            names += [node.attr] if isinstance(node, ast.Attribute) else []
            if {"config", "cfg", "args"} & set(names):
                takers.append(f"{path}:{node.lineno}")
    assert not takers


@pytest.mark.parametrize("model", MODELS)
def test_what_a_program_saves_is_read_back_by_every_program(model, tmp_path):
    path, readers = REPOSITORY / model / "config.yaml", program.programs(REPOSITORY / model)
    assert len(readers) >= 7
    plain = {name: load_config(path, [], readers[name], name, lambda: readers) for name in readers}
    for writer in readers:
        save_config(plain[writer], tmp_path / "saved.yaml")
        words = ["--config_path", str(tmp_path / "saved.yaml")]
        for reader in readers:
            assert (
                load_config(path, words, readers[reader], reader, lambda: readers) == plain[reader]
            )


@pytest.mark.parametrize("model", MODELS)
def test_help_of_every_program_shows_each_of_its_keys_with_a_meaning(model):
    options = read_options(REPOSITORY / model / "config.yaml")
    for name, keys in program.programs(REPOSITORY / model).items():
        lines = program.help_text(options, keys, name).splitlines()
        shown = {line.split(":")[0].strip() for line in lines if line.startswith("  ")}
        assert {key for key in shown if not key.startswith("#")} == keys, name
        for line in lines:
            key = line.split(":")[0].strip()
            if key in keys and line.startswith("  "):
                assert "#" in line
                if key in options.allowed:
                    assert line.endswith(f"; {program.allowed_text(options.allowed[key])}")
