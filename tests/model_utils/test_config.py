"""config.yaml plus the command line: types, limits, aliases, and one clear line per mistake."""

import pytest

from depthnet.src.model_utils.config import InputError, load_config, save_config

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


@pytest.mark.parametrize("model", ["depthnet", "midas"])
def test_every_key_of_a_model_has_a_comment_and_its_limits_name_real_keys(model):
    import re
    from pathlib import Path

    import yaml

    file = Path(__file__).resolve().parents[2] / model / "config.yaml"
    sections = yaml.safe_load(file.read_text())
    keys = {
        key for name, part in sections.items() if name not in ("allowed", "aliases") for key in part
    }
    assert set(sections["allowed"]) <= keys
    assert set(sections.get("aliases", {}).values()) <= keys
    load_config(file)
    options = file.read_text().split("allowed:")[0]
    bare = [line for line in options.splitlines() if re.match(r"  \w+:", line) and "#" not in line]
    assert not bare
