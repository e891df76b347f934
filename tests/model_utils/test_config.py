"""config.yaml plus the command line: types, limits, aliases, and one clear line per mistake."""

import re
from pathlib import Path

import pytest
import yaml

from depthnet.src.model_utils.config import InputError, load_config, read_options, save_config

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = sorted(path.parent.name for path in REPOSITORY.glob("*/config.yaml"))

DEFAULTS = """
data:
  data_url: ./NYU    # folder
  batch_size: 32     # samples
  rate: 0.0001       # learning rate
  use_stereo: False
  layers: [3, 4]
  target: auto
allowed:
  target: [auto, CPU]
  batch_size: {min: 1}
  rate: {above: 0, max: 1}
  layers: {min: 1}
aliases:
  is_stereo: use_stereo
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(DEFAULTS)
    return file


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ([], "batch_size", 32),
        (["--batch_size", "4"], "batch_size", 4),
        (["--batch_size=4"], "batch_size", 4),
        (["--rate", "1e-5"], "rate", 1e-5),
        (["--rate", "1"], "rate", 1.0),
        (["--use_stereo"], "use_stereo", True),
        (["--use_stereo", "False"], "use_stereo", False),
        (["--is_stereo", "1"], "use_stereo", True),
        (["--is_stereo", "0"], "use_stereo", False),
        (["--is_stereo", "TRUE"], "use_stereo", True),
        (["--layers", "1", "2", "3"], "layers", [1, 2, 3]),
        (["--layers", "7"], "layers", [7]),
        (["--data_url", "a b"], "data_url", "a b"),
        (["--data_url", "5"], "data_url", "5"),
        (["--data_url="], "data_url", ""),
    ],
)
def test_flags(path, words, key, value):
    got = getattr(load_config(path, words), key)
    assert got == value and type(got) is type(value)


def test_the_file_overrides_the_defaults_and_the_flags_override_the_file(path, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("train:\n  batch_size: 8\n  rate: 1e-3\nlayers: [9]\n")
    config = load_config(path, ["--config_path", str(other), "--batch_size", "2"])
    assert (config.batch_size, config.rate, config.layers) == (2, 1e-3, [9])


def test_a_saved_configuration_reads_back_equal(path, tmp_path):
    config = load_config(path, ["--layers", "5", "6", "--use_stereo"])
    save_config(config, tmp_path / "saved" / "config.yaml")
    again = load_config(path, ["--config_path", str(tmp_path / "saved" / "config.yaml")])
    assert again == config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch_sise", "4"], "unknown option 'batch_sise' .* did you mean batch_size"),
        (["--zzz", "4"], "unknown option 'zzz' .* --help"),
        (["--batch_size", "0"], "batch_size: got 0, allowed: min 1"),
        (["--batch_size", "2.5"], "batch_size: expected an integer, got '2.5'"),
        (["--batch_size"], "batch_size: a value is missing"),
        (["--batch_size", "1", "2"], "batch_size: expected an integer"),
        (["--rate", "0"], "rate: got 0.0, allowed: above 0 and max 1"),
        (["--rate", "nan"], "rate: expected a number"),
        (["--rate", "fast"], "rate: expected a number, got 'fast'"),
        (["--use_stereo", "maybe"], "use_stereo: expected True or False"),
        (["--layers", "3", "x"], "layers: expected an integer, got 'x'"),
        (["--layers", "3", "0"], "layers: got 0, allowed: min 1"),
        (["--target", "GPU"], "target: got 'GPU', allowed: auto, CPU"),
        (["NYU"], "unexpected argument 'NYU'"),
        (["--config_path", "/nowhere.yaml"], "/nowhere.yaml: No such file"),
    ],
)
def test_mistakes(path, words, message):
    with pytest.raises(InputError, match=message) as caught:
        load_config(path, words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "is not YAML"),
        ("- 1\n- 2\n", "must hold"),
        ("batch_sise: 1", "unknown option 'batch_sise' in .*other.yaml; did you mean batch_size"),
        ("batch_size: [1, 2]", "expected an integer"),
        ("batch_size: {a: 1}", "unknown option 'a'"),
        ("rate:", "expected a number, got None"),
        ("\x00", "is not YAML"),
    ],
)
def test_bad_files(path, tmp_path, text, message):
    other = tmp_path / "other.yaml"
    other.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_config(path, ["--config_path", str(other)])
    assert "\n" not in str(caught.value)


def test_a_home_folder_is_found_in_flags_files_defaults_and_lists(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path.write_text(DEFAULTS.replace("./NYU", "~/NYU").replace("[3, 4]", '["~/a", b]'))
    path.write_text(path.read_text().replace("layers: {min: 1}", ""))
    assert load_config(path).data_url == f"{tmp_path}/NYU"
    assert load_config(path).layers == [f"{tmp_path}/a", "b"]
    assert load_config(path, ["--data_url", "~/x/"]).data_url == f"{tmp_path}/x/"
    (tmp_path / "other.yaml").write_text("data_url: ~/y\n")
    assert load_config(path, ["--config_path=~/other.yaml"]).data_url == f"{tmp_path}/y"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch_size: 32", "batch_size: 0", "batch_size: got 0, allowed: min 1; .* config.yaml"),
        ("rate: 0.0001", "rate:", "rate: got None in config.yaml, expected a default value"),
        ("[3, 4]", "[3, [4]]", r"layers: got \[4\] in config.yaml"),
        ("target: auto", "target: null", "target: got None in config.yaml"),
        ("allowed:", "allowed: 1\nother:", "the section allowed must hold"),
    ],
)
def test_mistakes_in_the_defaults_are_told_too(path, old, new, message):
    path.write_text(DEFAULTS.replace(old, new))
    with pytest.raises(InputError, match=message):
        load_config(path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"zzz": 1, "batch_sise": 2}, "unknown option 'zzz' in .*saved.yaml; --help"),
        ({"batch_sise": 2}, "unknown option 'batch_sise' in .*; did you mean batch_size"),
        ({"is_sterio": True}, "did you mean is_stereo"),
        ({"batch_size": "many"}, "batch_size: expected an integer, got 'many'; given in .*saved"),
        ({"batch_size": True}, "batch_size: expected an integer, got True"),
        ({"batch_size": 2.0}, "batch_size: expected an integer, got 2.0"),
        ({"rate": True}, "rate: expected a number, got True"),
        ({"rate": float("inf")}, "rate: expected a number, got inf"),
        ({"rate": 1.5}, "rate: got 1.5, allowed: above 0 and max 1; given in .*saved"),
        ({"use_stereo": "maybe"}, "use_stereo: expected True or False, got 'maybe'; given in"),
        ({"use_stereo": 2}, "use_stereo: expected True or False, got 2"),
        ({"data_url": None}, "data_url: expected a text, got None"),
        ({"data_url": ["a", "b"]}, "data_url: expected a text, got"),
        ({"layers": [3, "x"]}, "layers: expected an integer, got 'x'"),
        ({"layers": [3, 0]}, "layers: got 0, allowed: min 1"),
        ({"layers": []}, "layers: a value is missing"),
        ({"target": "x" * 500}, r"target: got 'x{76}\.\.\., allowed: auto, CPU"),
        ({"batch_size": 10**30}, "batch_size: expected an integer"),
    ],
)
def test_a_saved_file_s_keys_and_values_are_checked(path, tmp_path, given, message):
    """Those of other programs too: the typo in a key of training is not for eval to pass over."""
    saved = tmp_path / "saved.yaml"
    saved.write_text(yaml.safe_dump(given, sort_keys=False))
    readers = {"train.py": {"batch_size", "rate", "layers"}, "eval.py": {"data_url"}}
    for program in readers:
        with pytest.raises(InputError, match=message) as caught:
            load_config(
                path, ["--config_path", str(saved)], readers[program], program, lambda: readers
            )
        assert "\n" not in str(caught.value)


def test_a_flag_of_another_program_is_refused_by_name(path):
    readers = {"train.py": {"rate"}, "eval.py": {"target"}, "infer.py": {"target"}}
    for flag, which in (
        ("--target", "it is an option of eval.py, infer.py"),
        ("--is_stereo", "no program reads it"),
    ):
        key = {"--target": "target", "--is_stereo": "use_stereo"}[flag]
        with pytest.raises(InputError, match=f"^train.py does not read {key}; {which}; --help"):
            load_config(path, [flag, "bad"], readers["train.py"], "train.py", lambda: readers)


def test_what_other_programs_read_is_looked_for_only_to_refuse_a_flag(path):
    """It takes 30 ms of each start."""
    calls = []
    load_config(path, ["--rate", "1"], {"rate"}, "train.py", lambda: calls.append(1) or {})
    assert not calls
    with pytest.raises(InputError, match="no program reads it"):
        load_config(path, ["--rate", "1"], set(), "train.py", lambda: calls.append(1) or {})
    assert calls


def test_sections_about_keys_in_another_file_change_nothing(path, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("allowed:\n  batch_size: [7]\naliases: {x: rate}\ntrain:\n  rate: 0.5\n")
    config = load_config(path, ["--config_path", str(other), "--batch_size", "4"])
    assert (config.batch_size, config.rate) == (4, 0.5)
    other.write_text("accepted: 5\n")
    with pytest.raises(InputError, match="the section accepted must hold"):
        load_config(path, ["--config_path", str(other)])


def test_keys_without_an_effect_are_taken_and_told(path, tmp_path, capsys):
    path.write_text(f"{DEFAULTS}accepted:\n  in_channels: 64   # always\n")
    readers = {"eval.py": {"rate"}}
    for words in (["--in_channels", "64"], ["--rate", "1"]):
        assert set(
            vars(load_config(path, words, readers["eval.py"], "eval.py", lambda: readers))
        ) == {"rate"}
    assert capsys.readouterr().out == "in_channels is accepted and has no effect\n"
    with pytest.raises(InputError, match="in_channels: expected an integer"):
        load_config(path, ["--in_channels", "x"], readers["eval.py"], "eval.py", lambda: readers)


def test_a_program_ignores_what_only_its_original_takes(path, capsys):
    path.write_text(f"{DEFAULTS}ignored:\n  eval.py: [batch_size]\n  infer.py: 5\n")
    readers = {name: {"rate"} for name in ("eval.py", "infer.py")} | {"train.py": {"batch_size"}}
    words = ["--batch_size", "8", "--rate", "0.5"]
    assert vars(load_config(path, words, readers["eval.py"], "eval.py", lambda: readers)) == {
        "rate": 0.5
    }
    assert capsys.readouterr().out == "batch_size is accepted and has no effect\n"
    with pytest.raises(InputError, match="infer.py does not read batch_size"):
        load_config(path, words, readers["infer.py"], "infer.py", lambda: readers)
    with pytest.raises(InputError, match="batch_size: got 0"):
        load_config(path, ["--batch_size", "0"], readers["eval.py"], "eval.py", lambda: readers)


@pytest.mark.parametrize("words", [["--config_path"], ["--config_path", "a", "b"]])
def test_one_configuration_file_at_a_time(path, words):
    with pytest.raises(InputError, match="config_path: expected one file, got (none|a b)$"):
        load_config(path, words)


def test_the_last_of_several_flags_and_aliases_wins(path):
    words = ["--use_stereo", "True", "--is_stereo", "False", "--batch_size", "2", "--batch_size=3"]
    config = load_config(path, words)
    assert (config.use_stereo, config.batch_size) == (False, 3)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [({"max": 2}, "2", "3"), ({"below": 2}, "1", "2"), ({"min": 2}, "2", "1")],
)
def test_limits_are_inclusive_or_not_as_their_names_say(path, rule, good, bad):
    path.write_text(f"a:\n  number: {good}\nallowed:\n  number: {rule}\n")
    assert load_config(path, ["--number", good]).number == int(good)
    with pytest.raises(InputError, match=f"number: got {bad}, allowed: {next(iter(rule))} 2"):
        load_config(path, ["--number", bad])


@pytest.mark.parametrize("model", MODELS)
def test_every_key_of_a_model_has_a_comment_and_its_limits_name_real_keys(model):
    file = REPOSITORY / model / "config.yaml"
    options = read_options(file)
    assert set(options.allowed) <= set(options.defaults)
    assert set(options.aliases.values()) <= set(options.defaults)
    assert not set(options.aliases) & set(options.defaults)
    load_config(file)
    lines = options.text.split("allowed:")[0].splitlines()
    assert not [line for line in lines if re.match(r"  \w+:", line) and "#" not in line]
