"""Whether a call is affected by what a docstring announces."""

from __future__ import annotations

import ast
import inspect
import re

from tests.operators.documentation import Statement
from tests.operators.uses import Use, documented

_CODE = re.compile(r"``?([^`]+?)(?: -> \w+)?``?")
# The new signature follows these words where the old one is told, too.
_NEW = re.compile(r"\b(?:only|to|become|be) (?=(?:the )?``?[\w.]+\()")


def is_affected(use: Use, said: Statement) -> bool:
    """Whether a use would break, or mean something else, once that has happened.

    A new signature is compared with the call; so are the names of arguments that will be renamed
    or removed. Where neither is told, and where no call can be seen, the answer is yes.

    Args:
        use: a place in the source.
        said: of `documentation.announcements` of that name.
    """
    word = use.name.rpartition(".")[2]
    if f"changed to `{word}`" in said.text or "This is a compatible change" in said.text:
        return False  # the first is said of the name that this one succeeds
    if use.call is None:
        return not said.parameter
    named = {said.parameter} if said.parameter else _arguments_named(use, said)
    # A call of the same form may come to mean something else.
    is_left_out = "default value" in said.text and named - _passed(use)
    if is_left_out or "semantics" in said.text:
        return True
    signature = _new_signature(use.name, said.text)
    if signature is not None:
        return not _fits(use.call, signature)
    return _passes(use, named, said.text) if named else True


def _new_signature(name, text):
    """The announced form of a call, parsed; None where there is none."""
    starts = [match.end() for match in _NEW.finditer(text)]
    for code in _CODE.finditer(text):
        called, _, rest = code[1].partition("(")
        is_ours = called.rpartition(".")[2] == name.rpartition(".")[2] and rest.endswith(")")
        if is_ours and any(0 <= code.start() - start <= 4 for start in starts):
            return ast.parse(f"def f({rest}: ...").body[0].args
    return None


def _fits(call, signature):
    """Whether a call can be made with a signature."""
    positions = [part.arg for part in (*signature.posonlyargs, *signature.args)]
    names = {*positions, *(part.arg for part in signature.kwonlyargs)}
    is_spread = any(isinstance(part, ast.Starred) for part in call.args)
    count = len(call.args)
    fits = signature.vararg is not None or (count <= len(positions) and not is_spread)
    return fits and all(keyword.arg in names for keyword in call.keywords)


def _arguments_named(use, said):
    """The arguments of the present form that a statement names."""
    words = set(re.findall(r"`([a-z]\w*)`", said.text))
    return words & set(_parameters(use))


def _parameters(use):
    """The present names, in order; none for what C++ defines."""
    try:
        parameters = inspect.signature(documented(use.name)).parameters.values()
    except (TypeError, ValueError):
        return []
    return [part.name for part in parameters if part.name != "self"]


def _passed(use):
    """Names of the arguments of a call, as far as it shows them."""
    by_position = {name for name, _ in zip(_parameters(use), use.call.args)}
    return by_position | {keyword.arg for keyword in use.call.keywords}


def _passes(use, arguments, text):
    """Whether a call passes one of these arguments in the way that will end."""
    names = _parameters(use)
    by_position = {name for name, _ in zip(names, use.call.args)} & arguments
    by_name = {keyword.arg for keyword in use.call.keywords}
    if "become a keyword" in text:
        return bool(by_position)
    removed = by_position if re.search(r"removed|merged|deprecated", text) else set()
    return bool(removed or by_name & arguments or None in by_name)
