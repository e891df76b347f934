"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

An entry point from its command line to its exit code: which keys it reads, --help, one-line errors.
"""

from __future__ import annotations

import argparse
import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from .config import Options, allowed_text, load_config, read_options
from .errors import InputError, RunError

_CONFIG = "config"
_USAGE = "Options: --key value, --key=value; --config_path FILE reads them from YAML, flags win."


def keys_read(entry: str | Path) -> set[str]:
    """Keys of the configuration that an entry point reads, found in its source.

    They are the attributes of `config` in the file, and in the functions of the run context to
    which it hands `config` over.

    Args:
        entry: an entry point's .py file, in the model's folder.
    """
    entry = Path(entry)
    tree = ast.parse(entry.read_text(encoding="utf-8"))
    found = _attributes(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = entry.parent.joinpath(*node.module.split(".")).with_suffix(".py")
            for name in {alias.name for alias in node.names} & _takers(tree):
                found |= _attributes_in(module, name)
    return found


def _attributes(tree):
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == _CONFIG
    }


def _takers(tree):
    """Names of the functions that are called with `config` as an argument."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        call.func.id
        for call in calls
        if isinstance(call.func, ast.Name)
        and any(getattr(value, "id", "") == _CONFIG for value in _arguments(call))
    }


def _arguments(call):
    return [*call.args, *(keyword.value for keyword in call.keywords)]


@functools.cache
def _attributes_in(module, name):
    """Attributes of `config` in one function or class of a module and in what it calls there."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            inner = [_attributes_in(module, other) for other in _takers(node) - {name}]
            return _attributes(node).union(*inner)
    return set()


def programs(folder: str | Path) -> dict[str, set[str]]:
    """{entry point: keys that it reads} of a model's folder."""
    files = sorted(Path(folder).glob("*.py"))
    return {file.name: keys for file in files if (keys := keys_read(file))}


def help_text(options: Options, keys: set[str], description: str) -> str:
    """The lines of config.yaml whose keys a program reads, with what is allowed."""
    lines, section, showing = [description.strip(), "", _USAGE, ""], "", False
    for line in options.text.splitlines():
        if line == "allowed:":
            break
        if re.match(r"\w+:", line):
            section = line
        key = re.match(r"  (\w+):", line)
        if key and (showing := key[1] in keys):
            lines += [section] if section else []
            rule, section = options.allowed.get(key[1]), ""
            lines.append(f"{line}; {allowed_text(rule)}" if rule else line)
        elif showing and re.match(r"\s+#", line):
            lines.append(line)
    return "\n".join(lines)


def run(
    main: Callable[[argparse.Namespace], None],
    description: str,
    argv: Sequence[str] | None = None,
) -> None:
    """Run an entry point: read and print the configuration, call, turn errors into exit codes.

    Args:
        main: function of the configuration, in the entry point's file.
        description: its docstring; the first line is printed.
        argv: the words behind the program's name; None takes the command line's.
    """
    argv = sys.argv[1:] if argv is None else argv
    entry = Path(inspect.getsourcefile(main)).resolve()
    try:
        path, readers = entry.with_name("config.yaml"), programs(entry.parent)
        if "--help" in argv or "-h" in argv:
            print(help_text(read_options(path), readers[entry.name], description))
            return
        config = load_config(path, argv, readers, entry.name)
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
