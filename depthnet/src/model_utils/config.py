"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

config.yaml plus the command line become one checked namespace. The file holds sections of
`key: default  # meaning`, and sections about them: `allowed` (a list of choices, or limits such as
{min: 1} or {above: 0, max: 1}), `aliases` (a flag of the original program: our key), `accepted`
(keys of the original program that have no effect here; every program takes them) and `ignored` (a
program of ours: keys of others that its original takes too).
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError, one_line, shown
from .files import write_bytes

_LIMITS = {"min": operator.ge, "above": operator.gt, "max": operator.le, "below": operator.lt}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_KINDS = {bool: "True or False", int: "an integer", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Options:
    """A config.yaml: {key: default}, what is said about the keys, and its text."""

    defaults: dict[str, Any]
    allowed: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    text: str = ""


def read_options(path: str | Path) -> Options:
    """Read a config.yaml.

    Raises:
        InputError: it cannot be read, or is not YAML of that form.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        sections = yaml.safe_load(text)
    except OSError as err:
        raise InputError(f"config file {path}: {err.strerror}; check --config_path") from None
    except (ValueError, yaml.YAMLError, RecursionError) as err:
        raise InputError(f"config file {path} is not YAML: {one_line(err)}") from None
    if not isinstance(sections, dict) or not all(isinstance(key, str) for key in sections):
        raise InputError(f"config file {path} must hold `key: value` lines")
    about = {name: sections.pop(name, None) or {} for name in ("allowed", "aliases", "ignored")}
    about["accepted"] = sections.get("accepted") or {}
    for name, section in about.items():
        if not isinstance(section, dict):
            raise InputError(f"config file {path}: the section {name} must hold `key: value` lines")
    flat = {}
    for key, value in sections.items():
        flat.update(value if isinstance(value, dict) else {key: value})
    sections = about["allowed"], about["aliases"], about["ignored"]
    return Options(flat, *sections, frozenset(about["accepted"]), text)


def _coerce(value, default):
    """`value`, from YAML or a list of command-line words, in the type of `default`.

    Raises:
        ValueError: it does not fit; the text says what was expected.
    """
    if isinstance(default, list):
        items = value if isinstance(value, list) else [value]
        return [_coerce(item, default[0] if default else "") for item in items]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    kind = type(default)
    if isinstance(value, (str, int, float)):
        text = str(value)
        if kind is bool and text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
        if kind is int and re.fullmatch(r"[+-]?\d{1,18}", text):
            return int(text)
        if kind is str:
            return os.path.expanduser(text)  # noqa: PTH111, a Path would drop a last slash
        if kind is float and not isinstance(value, bool) and math.isfinite(number := _number(text)):
            return number
    raise ValueError(f"expected {_KINDS[kind]}, got {shown(value)}")


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def _check_allowed(value, rule):
    """ValueError when a value, or an item of a list, is not what the rule allows."""
    for item in value if isinstance(value, list) else [value]:
        try:
            if isinstance(rule, dict):
                good = all(_LIMITS[limit](item, bound) for limit, bound in rule.items())
            else:
                good = item in rule
        except (KeyError, TypeError):  # a config.yaml that was edited, or damaged
            raise ValueError(f"got {shown(item)}, the rule is {shown(rule)}") from None
        if not good:
            raise ValueError(f"got {shown(item)}, allowed: {allowed_text(rule)}")


def allowed_text(rule: Mapping[str, float] | Sequence[Any]) -> str:
    """A rule of the section `allowed` in words."""
    if isinstance(rule, dict):
        return " and ".join(f"{limit} {bound}" for limit, bound in rule.items())
    return ", ".join(str(choice) or '""' for choice in rule)


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


def _known(name, options, source):
    """The key that a file or the command line means by `name`, which may be an alias."""
    key = options.aliases.get(name, name)
    if key in options.defaults:
        return key
    near = difflib.get_close_matches(str(key), [*options.defaults, *options.aliases], 1)
    hint = f"did you mean {near[0]}?" if near else "--help lists every option"
    raise InputError(f"unknown option {shown(name)} {source}; {hint}")


def _checked(key, value, options, source):
    """A value of a key, in its default's type and among what is allowed."""
    default = options.defaults[key]
    for item in default if isinstance(default, list) else [default]:
        if type(item) not in _KINDS:
            raise InputError(f"{key}: got {shown(item)} in config.yaml, expected a default value")
    if value == [] and isinstance(default, bool):
        value = True  # a flag without a word
    if value == [] and default != []:
        raise InputError(f"{key}: a value is missing {source}")
    try:
        value = _coerce(value, default)
        if key in options.allowed:
            _check_allowed(value, options.allowed[key])
    except ValueError as err:
        raise InputError(f"{key}: {err}; given {source}") from None
    return value


def load_config(
    path: str | Path,
    argv: Sequence[str] = (),
    keys: set[str] | None = None,
    program: str = "",
    readers: Callable[[], Mapping[str, set[str]]] = dict,
) -> argparse.Namespace:
    """Merge config.yaml, `--config_path FILE` and the flags; the last one wins.

    A file may hold keys of every program of the model, such as the configuration that a training
    saved; a flag must be one that this program reads.

    Args:
        path: the model's config.yaml, the only home of the defaults, whose types rule.
        argv: the words of the command line without the program's name.
        keys: those that this program reads; None: every key.
        program: its name.
        readers: {program: keys that it reads} of all programs; called for an error only, since it
            takes a while to find them.
    Returns:
        Namespace with the keys that the program reads.
    Raises:
        InputError: unknown key (with the nearest one), a key of another program, wrong type, value
            not allowed, bad file.
    """
    options, given = read_options(path), _split_words(argv)
    layers = [(options.defaults, "in config.yaml")]
    if "config_path" in given:
        words = given.pop("config_path")
        if len(words) != 1:
            raise InputError(f"config_path: expected one file, got {' '.join(words) or 'none'}")
        file = os.path.expanduser(words[0])  # noqa: PTH111
        layers.append((read_options(file).defaults, f"in {file}"))
    read = set(options.defaults) if keys is None else keys
    for name in given:
        key = _known(name, options, "on the command line")
        ignored = options.ignored.get(program)
        if key in options.accepted or (isinstance(ignored, list) and key in ignored):
            print(f"{key} is accepted and has no effect")
        elif key not in read:
            raise InputError(_not_read(key, readers(), program))
    layers.append((given, "on the command line"))
    values = {}
    for layer, source in layers:
        for name, value in layer.items():
            key = _known(name, options, source)
            values[key] = _checked(key, value, options, source)
    return argparse.Namespace(**{key: value for key, value in values.items() if key in read})


def _not_read(key, readers, program):
    others = ", ".join(other for other, keys in readers.items() if key in keys)
    which = f"it is an option of {others}" if others else "no program reads it"
    return f"{program} does not read {key}; {which}; --help lists its own"


def save_config(config: argparse.Namespace, path: str | Path) -> None:
    """Write the resolved configuration, YAML or .json, that --config_path of any program reads."""
    is_json = Path(path).suffix == ".json"
    values = vars(config)
    text = json.dumps(values, indent=2) if is_json else yaml.safe_dump(values, sort_keys=False)
    write_bytes(path, text.encode())
