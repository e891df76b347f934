"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

config.yaml plus the command line become one checked namespace. The file holds sections of
`key: default  # meaning`, and two sections about them: `allowed` (a list of choices, or limits such
as {min: 1} or {above: 0, max: 1}) and `aliases` (a flag of the original program: our key).
"""

import argparse
import difflib
import math
import operator
import re
import sys
import textwrap
from pathlib import Path

import yaml

_LIMITS = {"min": operator.ge, "above": operator.gt, "max": operator.le, "below": operator.lt}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_KINDS = {bool: "True or False", int: "an integer", float: "a number", str: "a text"}


class InputError(ValueError):
    """A user's mistake in one line: what, where, what to do. Exit code 2."""


class RunError(RuntimeError):
    """A known failure of a run (a loss that is not finite ...) in one line. Exit code 1."""


def _coerce(key, value, default):
    """`value`, from YAML or a list of command-line words, in the type of `default`."""
    if isinstance(default, list):
        items = value if isinstance(value, list) else [value]
        return [_coerce(key, item, default[0] if default else "") for item in items]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    kind, text = type(default), str(value)
    if isinstance(value, (str, int, float)):
        if kind is bool and text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
        if kind is int and re.fullmatch(r"[+-]?\d+", text):
            return int(text)
        if kind is str:
            return text
        try:
            if kind is float and not isinstance(value, bool) and math.isfinite(float(value)):
                return float(value)
        except ValueError:
            pass
    raise InputError(f"{key}: expected {_KINDS[kind]}, got {value!r}")


def _check_allowed(key, value, rule):
    for item in value if isinstance(value, list) else [value]:
        if isinstance(rule, dict):
            good = all(_LIMITS[limit](item, bound) for limit, bound in rule.items())
            text = " and ".join(f"{limit} {bound}" for limit, bound in rule.items())
        else:
            good, text = item in rule, ", ".join(map(str, rule))
        if not good:
            raise InputError(f"{key}: got {item!r}, allowed: {text}")


def _read_yaml(path):
    """The file as ({key: value}, {key: allowed}, {alias: key})."""
    try:
        sections = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as err:
        raise InputError(f"config file {path}: {err.strerror}; check --config_path") from None
    except (UnicodeDecodeError, yaml.YAMLError) as err:
        raise InputError(f"config file {path} is not YAML: {' '.join(str(err).split())}") from None
    if not isinstance(sections, dict):
        raise InputError(f"config file {path} must hold `key: value` lines")
    allowed, aliases = (sections.pop(name, {}) for name in ("allowed", "aliases"))
    flat = {}
    for key, value in sections.items():
        flat.update(value if isinstance(value, dict) else {key: value})
    return flat, allowed, aliases


def _split_words(argv):
    """--key word word ... and --key=word, as {key: [words]}."""
    given, key = {}, None
    for word in argv:
        if word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            given[key] = [value] if equals else []
        elif key is None:
            raise InputError(f"unexpected argument {word!r}; options look like --key value")
        else:
            given[key].append(word)
    return given


def _override(config, given, aliases, source):
    for name, value in given.items():
        key = aliases.get(name, name)
        if key not in config:
            near = difflib.get_close_matches(key, [*config, *aliases], 1)
            hint = f"did you mean {near[0]}?" if near else "--help lists every option"
            raise InputError(f"unknown option {name!r} in {source}; {hint}")
        if value == []:
            if not isinstance(config[key], bool):
                raise InputError(f"{key}: a value is missing in {source}")
            value = True
        config[key] = _coerce(key, value, config[key])


def load_config(path, argv=()):
    """Merge config.yaml, `--config_path FILE` and the flags; the last one wins.

    Args:
        path: the model's config.yaml, the only home of the defaults, whose types rule.
        argv: the words of the command line without the program's name.
    Returns:
        argparse.Namespace with every key of the file as an attribute.
    Raises:
        InputError: unknown key (with the nearest one), wrong type, value not allowed, bad file.
    """
    config, allowed, aliases = _read_yaml(path)
    given = _split_words(argv)
    if "help" in given:
        print(f"Every key below is an option: --key value\n\n{Path(path).read_text()}")
        raise SystemExit(0)
    if "config_path" in given:
        file = _coerce("config_path", given.pop("config_path"), "")
        _override(config, _read_yaml(file)[0], aliases, file)
    _override(config, given, aliases, "the command line")
    for key, rule in allowed.items():
        _check_allowed(key, config[key], rule)
    return argparse.Namespace(**config)


def save_config(config, path):
    """Write the resolved configuration as YAML that --config_path reads."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump(vars(config), sort_keys=False), encoding="utf-8")


def run(main, description):
    """Run an entry point: read and print the configuration, call, turn errors into exit codes."""
    try:
        config = load_config(Path(sys.argv[0]).resolve().parent / "config.yaml", sys.argv[1:])
        print(description.strip().splitlines()[0], flush=True)
        words = " ".join(f"{key}={value}" for key, value in vars(config).items())
        print(textwrap.fill(f"config: {words}", 100, break_on_hyphens=False), flush=True)
        main(config)
    except InputError as err:
        sys.exit(_report("error", err, 2))
    except RunError as err:
        sys.exit(_report("failed", err, 1))
    except OSError as err:
        if err.filename is None and err.errno is None:
            raise
        where = f"{err.filename}: " if err.filename else ""
        full = "free some space" if err.strerror and "space" in err.strerror else "check the path"
        sys.exit(_report("error", f"{where}{err.strerror}; {full}", 2))


def _report(word, text, code):
    print(f"{word}: {text}", file=sys.stderr, flush=True)
    return code
