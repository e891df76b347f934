"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

config.yaml plus the command line become one checked namespace. The file holds sections of
`key: default  # meaning`, and sections about them: `allowed` (a list of choices, or limits such as
{min: 1} or {above: 0, max: 1}), `aliases` (a flag of the original program: our key) and `accepted`
(keys of the original program that have no effect here; every program takes them).
"""

from __future__ import annotations

import argparse
import difflib
import math
import operator
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError, one_line
from .files import write_bytes

_LIMITS = {"min": operator.ge, "above": operator.gt, "max": operator.le, "below": operator.lt}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80
_KINDS = {bool: "True or False", int: "an integer", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Options:
    """A config.yaml: {key: default}, what is said about the keys, and its text."""

    defaults: dict[str, Any]
    allowed: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    text: str = ""


def read_options(path: str | Path) -> Options:
    """Read a config.yaml.

    Raises:
        InputError: it cannot be read or is no YAML of that form.
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
    allowed, aliases = (sections.pop(name, {}) for name in ("allowed", "aliases"))
    accepted = frozenset(sections.get("accepted", {}))
    flat = {}
    for key, value in sections.items():
        flat.update(value if isinstance(value, dict) else {key: value})
    return Options(flat, allowed, aliases, accepted, text)


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
        if kind is int and re.fullmatch(r"[+-]?\d{1,18}", text):
            return int(text)
        if kind is str:
            return os.path.expanduser(text)  # noqa: PTH111, a Path would drop a last slash
        try:
            if kind is float and not isinstance(value, bool) and math.isfinite(float(value)):
                return float(value)
        except (ValueError, OverflowError):
            pass
    raise InputError(f"{key}: expected {_KINDS[kind]}, got {_short(value)}")


def _short(value):
    """repr() that stays short whatever a damaged file holds."""
    return _REPR.repr(value)


def _check_allowed(key, value, rule):
    for item in value if isinstance(value, list) else [value]:
        if isinstance(rule, dict):
            good = all(_LIMITS[limit](item, bound) for limit, bound in rule.items())
        else:
            good = item in rule
        if not good:
            raise InputError(f"{key}: got {_short(item)}, allowed: {allowed_text(rule)}")


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


def _override(values, given, options, source):
    """Put what a file or the command line gives into `values`; both may use the aliases."""
    for name, value in given.items():
        key = options.aliases.get(name, name)
        if key not in values:
            near = difflib.get_close_matches(str(key), [*values, *options.aliases], 1)
            hint = f"did you mean {near[0]}?" if near else "--help lists every option"
            raise InputError(f"unknown option {_short(name)} in {source}; {hint}")
        if value == []:
            if not isinstance(values[key], bool):
                raise InputError(f"{key}: a value is missing in {source}")
            value = True
        values[key] = _coerce(key, value, values[key])


def load_config(
    path: str | Path,
    argv: Sequence[str] = (),
    readers: Mapping[str, set[str]] | None = None,
    program: str = "",
) -> argparse.Namespace:
    """Merge config.yaml, `--config_path FILE` and the flags; the last one wins.

    A file may hold keys of every program of the model, such as the configuration that a training
    saved; a flag must be one that this program reads.

    Args:
        path: the model's config.yaml, the only home of the defaults, whose types rule.
        argv: the words of the command line without the program's name.
        readers: {program: keys that it reads}; None: one program that reads every key.
        program: the name of this one in `readers`.
    Returns:
        Namespace with the keys that the program reads.
    Raises:
        InputError: unknown key (with the nearest one), a key of another program, wrong type, value
            not allowed, bad file.
    """
    options, given = read_options(path), _split_words(argv)
    values = dict(options.defaults)
    read = set(values) if readers is None else readers[program]
    if "config_path" in given:
        file = _coerce("config_path", given.pop("config_path"), "")
        _override(values, read_options(file).defaults, options, file)
    _override(values, given, options, "the command line")
    for name in given:
        key = options.aliases.get(name, name)
        if key in options.accepted:
            print(f"{key} is accepted and has no effect")
        elif key not in read:
            others = [other for other, keys in (readers or {}).items() if key in keys]
            which = f"; {', '.join(others)} does" if others else ""
            raise InputError(f"{program} does not read {key}{which}; --help lists its options")
    for key, rule in options.allowed.items():
        _check_allowed(key, values[key], rule)
    return argparse.Namespace(**{key: value for key, value in values.items() if key in read})


def save_config(config: argparse.Namespace, path: str | Path) -> None:
    """Write the resolved configuration as YAML that --config_path of every program reads."""
    write_bytes(path, yaml.safe_dump(vars(config), sort_keys=False).encode())
