"""The operators of a compiled graph, from the text that MindSpore writes of it, and their words."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import defaultdict
from dataclasses import dataclass, field

from tests.operators.documentation import (
    dtypes,
    platforms,
    reference_in,
    statements,
    text_of,
    without_examples,
)

_NODE = re.compile(r"^\s*%\d+\([^)]*\) = (?:PrimFunc_)?(\w+)(?:\[[^\]]*\])?\(")
_TENSOR = re.compile(r"Tensor\[(\w+)\]")
# Documented operators first; then those that MindSpore makes of them, and of gradients.
_HOMES = ("ops", "ops.operations", "ops.auto_generate", "ops.operations._grad_ops")


@dataclass
class Primitive:
    """An operator of graphs.

    Attributes:
        name: "MatMul".
        given: the data types seen of its operands, in their order; what is no tensor has none.
    """

    name: str
    given: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


def read_graphs(texts: list[str]) -> dict[str, Primitive]:
    """{name: Primitive} of graphs in MindSpore's text form."""
    found = {}
    for text in texts:
        lines = text.splitlines()
        # The line after an operator has the types: ": (<Tensor[Float32], (2, 3)>, ...) -> (...)".
        for line, types in zip(lines, lines[1:]):
            match = _NODE.match(line)
            if match:
                primitive = found.setdefault(match[1], Primitive(match[1]))
                for number, operand in enumerate(_operands(types)):
                    primitive.given[number] |= {name.lower() for name in _TENSOR.findall(operand)}
    return found


def _operands(types):
    """The types of a node's operands."""
    types = types.strip().removeprefix(": (").split(") -> (")[0]
    return re.split(r", (?=<)", types)


def primitive_text(name: str) -> str:
    """The documentation of an operator, and of the function that it refers to."""
    for home in _HOMES:
        found = getattr(importlib.import_module(f"mindspore.{home}"), name, None)
        if found is not None:
            text = without_examples(inspect.getdoc(found) or "")
            reference = reference_in(text)
            return text if platforms(text) or not reference else f"{text}\n\n{_text(reference)}"
    return ""


def _text(name):
    """text_of, and "" where a docstring refers to what is not there."""
    try:
        return text_of(name)
    except AttributeError:
        return ""


def wrong_dtypes(primitive: Primitive, text: str) -> list[str]:
    """The data types that an operator is given and its documentation does not have for Ascend."""
    order = []
    for part in statements(text):
        if part.section == "Inputs" and part.parameter and part.parameter not in order:
            order.append(part.parameter)
    order = order or [part.parameter for part in statements(text) if part.section == "Args"]
    wrong = []
    for said in dtypes(text):
        if said.parameter in order:
            given = primitive.given.get(order.index(said.parameter), set())
        else:
            given = set() if said.parameter else set().union(*primitive.given.values())
        wrong += [
            f"{said.parameter or 'input'} {dtype}" for dtype in given if not said.takes(dtype)
        ]
    return sorted(wrong)
