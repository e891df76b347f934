"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

An entry point from its command line to its exit code: which keys it reads, --help, one-line errors.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import gc
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from .config import Options, allowed_text, load_config, read_options
from .errors import InputError, NoWeightsError, RunError

_CONFIG = "config"
_COLLECTION = 700, 10, 10  # Python's own thresholds of garbage collection
_USAGE = "Options: --key value, --key=value; --config_path FILE reads them from YAML, flags win."


def keys_read(entry: str | Path) -> set[str]:
    """Keys of the configuration that an entry point reads, found in its source.

    They are the attributes of `config` anywhere in the file, and in the functions of the model's
    modules to which it hands `config`.

    Args:
        entry: an entry point's .py file, in the model's folder.
    Raises:
        TypeError: `config` is used in a way in which its keys cannot be found.
    """
    module = _Module(Path(entry))
    return module.keys(module.tree, _CONFIG)


class _Module:
    """A source file, with the functions and the modules of the model that it imports."""

    def __init__(self, path):
        self.path, self.tree = path, ast.parse(path.read_text(encoding="utf-8"))
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        defined = (ast.FunctionDef, ast.ClassDef)
        self.functions = {n.name: n for n in ast.walk(self.tree) if isinstance(n, defined)}
        self.imports = {}  # {name here: (file of the module, name there or None for all of it)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                self._note(node)
        names = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name)]
        self.variables = {n.id for n in names if isinstance(n.ctx, ast.Store)}

    def _note(self, node):
        folder = self.path.parent.joinpath(*[".."] * (node.level - 1))
        folder = folder.joinpath(*(node.module or "").split("."))
        for alias in node.names:
            name = alias.asname or alias.name
            if (module := folder / f"{alias.name}.py").is_file():
                self.imports[name] = (module, None)
            for file in (folder.with_suffix(".py"), folder / "__init__.py"):
                if node.module and file.is_file():
                    self.imports.setdefault(name, (file, alias.name))

    def keys(self, part, parameter):
        """Attributes of the name `parameter` in a part of the source, and where it is handed to."""
        found = set()
        for node in ast.walk(part):
            if not (isinstance(node, ast.Name) and node.id == parameter):
                continue
            parent = self.parents[node]
            if isinstance(parent, ast.Attribute):
                found.add(parent.attr)
            else:
                found |= self._handed(node, parent)
        return found

    def _handed(self, node, parent):
        """Keys that are read by the function of which `node`, the configuration, is an argument."""
        call = self.parents[parent] if isinstance(parent, ast.keyword) else parent
        if isinstance(call, ast.Call) and node is not call.func:
            place = parent.arg if call is not parent else call.args.index(node)
            callee = call.func.value if isinstance(call.func, ast.Subscript) else call.func
            if isinstance(callee, ast.Attribute) and isinstance(callee.value, ast.Name):
                file, name = self.imports.get(callee.value.id, (None, ""))
                if file is not None and name is None:
                    return _keys_of(file, callee.attr, place)
            elif isinstance(callee, ast.Name):
                if callee.id in self.functions:
                    return _keys_of(self.path, callee.id, place)
                if callee.id in self.imports:
                    return _keys_of(*self.imports[callee.id], place)
                # A variable holds functions of this file, all of which are searched.
                if callee.id == "vars" or callee.id in self.variables:
                    return set()
        raise TypeError(
            f"{self.path}, line {node.lineno}: the keys of {node.id} that are read here cannot be "
            f"found; use {node.id}.<key>, or hand it to a function of the model"
        )


@functools.cache
def _keys_of(file, name, place):
    """Keys that a function reads of its argument number `place`, or of that name."""
    module = _Module(file)
    function = module.functions.get(name)
    if function is None and name in module.imports:  # a package that hands on a module's name
        return _keys_of(*module.imports[name], place)
    if isinstance(function, ast.ClassDef):
        inner = [n for n in function.body if getattr(n, "name", "") == "__init__"]
        function, place = (inner or [None])[0], place + 1 if isinstance(place, int) else place
    if function is None:
        raise TypeError(f"{file} has no function {name} that takes the configuration")
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if isinstance(place, int) and place >= len(names):
        raise TypeError(f"{file}: {name} takes the configuration among *arguments; name it")
    return module.keys(function, names[place] if isinstance(place, int) else place)


def programs(folder: str | Path) -> dict[str, set[str]]:
    """{entry point: keys that it reads} of a model's folder; other files there are left out."""
    found = {}
    for file in sorted(Path(folder).glob("*.py")):
        # A script that a user put there may be anything; it must not stop the programs.
        with contextlib.suppress(SyntaxError, TypeError, ValueError):
            found[file.name] = keys_read(file)
    return {name: keys for name, keys in found.items() if keys}


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
            join = "; " if "#" in line else "  # "
            lines.append(f"{line}{join}{allowed_text(rule)}" if rule else line)
        elif showing and re.match(r"\s+#", line):
            lines.append(line)
    return "\n".join(lines)


def run(
    main: Callable[[argparse.Namespace], None],
    description: str,
    argv: Sequence[str] | None = None,
    without_weights: str = "",
) -> None:
    """Run an entry point: read and print the configuration, call, turn errors into exit codes.

    Args:
        main: function of the configuration, in the entry point's file.
        description: its docstring; the first line is printed.
        argv: the words after the program's name; None: those of the command line.
        without_weights: where to get weights, for the error that they do not exist.
    """
    # What was imported stays: a collection that leaves it out saves 0.25 s at the end alone.
    gc.freeze()
    gc.set_threshold(*_COLLECTION)
    argv = sys.argv[1:] if argv is None else argv
    entry = Path(inspect.getsourcefile(main)).resolve()
    try:
        path = entry.with_name("config.yaml")
        keys = keys_read(entry)
        if "--help" in argv or "-h" in argv:
            print(help_text(read_options(path), keys, description), flush=True)
            return
        config = load_config(path, argv, keys, entry.name, lambda: programs(entry.parent))
        print(description.strip().splitlines()[0])
        words = " ".join(f"{key}={value}" for key, value in vars(config).items())
        options = {"break_on_hyphens": False, "break_long_words": False}
        print(textwrap.fill(f"config: {words}", 100, **options), flush=True)
        main(config)
    except NoWeightsError as err:
        sys.exit(_report("error", "; ".join(filter(None, [str(err), without_weights])), 2))
    except InputError as err:
        sys.exit(_report("error", err, 2))
    except RunError as err:
        sys.exit(_report("failed", err, 1))
    except BrokenPipeError:
        # Whoever read the output (head, less) has enough: nothing to report, and no one to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as err:
        if err.filename is None and err.errno is None:
            raise
        where = f"{err.filename}: " if err.filename else ""
        full = "free some space" if err.strerror and "space" in err.strerror else "check the path"
        sys.exit(_report("error", f"{where}{err.strerror}; {full}", 2))


def _report(word, text, code):
    print(f"{word}: {text}", file=sys.stderr)
    return code
