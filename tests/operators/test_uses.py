"""What the walk finds in a source written by hand."""

import ast

import pytest

from tests.operators.uses import Module, documented, graph_functions, methods, named

NETWORK = """
import numpy as np
import mindspore as ms
from mindspore import nn, ops
from mindspore.common.initializer import Normal
from mindspore.ops import constexpr
from .layout import chosen, listed as shown
from . import poses


@constexpr
def constant(n):
    return ms.Tensor(np.ones(n).astype(np.float32))


def helper(x):
    return x.mean()


def host(x):
    return x.argmax().asnumpy()


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.unit, self.exp = Unit(), ops.Exp()
        self.size = np.zeros(3).cumsum()

    def construct(self, x):
        x = self._inner(ops.concat((x, constant(2)), 1))
        return chosen(poses.turn(self.unit.twice(x))) + self.exp(helper(x)) + self.size

    def _inner(self, x):
        return np.float32(1) * x.reshape(2, -1)[0].sum(0)

    def save(self, x):
        return x.cumsum()


class Unit(nn.Cell):
    def twice(self, x):
        return x.tile((2,))

    def construct(self, x):
        return x.to(ms.float32)


class Plain:
    def twice(self, x):
        return x.cumprod()
"""
LAYOUT = """
def chosen(x):
    return x.squeeze(0)


def listed(x):
    return x.tolist()
"""
POSES = """
def turn(x):
    def inner(y):
        return y.permute(0, 1)

    return inner(x.norm())
"""
STEP = """
import mindspore as ms

def make():
    def step(x):
        return x.abs()

    def never(x):
        return x.trace()

    return ms.jit(step), never
"""


@pytest.fixture
def modules():
    texts = {"net.py": NETWORK, "layout.py": LAYOUT, "poses.py": POSES, "step.py": STEP}
    return [Module(place, ast.parse(text)) for place, text in texts.items()]


def test_names_are_followed_through_imports(modules):
    found = {use.name for use in named(modules[0])}
    names = "Tensor nn.Cell ops.Exp ops.concat ops.constexpr"
    assert found == {f"mindspore.{name}" for name in names.split()}
    assert {use.name for use in named(modules[3])} == {"mindspore.jit"}


def test_a_call_is_kept_with_its_arguments(modules):
    (use,) = (use for use in named(modules[0]) if use.name == "mindspore.ops.concat")
    assert ast.unparse(use.call) == "ops.concat((x, constant(2)), 1)"
    assert use.place == "net.py" and NETWORK.splitlines()[use.line - 1].strip().startswith("x = ")
    (use, _) = (use for use in named(modules[0]) if use.name == "mindspore.nn.Cell")
    assert use.call is None


def test_graph_code_is_what_a_construct_reaches(modules):
    found = graph_functions(modules)
    names = {place: sorted({node.name for node in nodes}) for place, nodes in found.items()}
    assert names == {
        "net.py": ["_inner", "construct", "helper", "twice"],
        "layout.py": ["chosen"],
        "poses.py": ["inner", "turn"],
        "step.py": ["step"],
    }


def test_methods_of_tensors_are_those_of_graph_code(modules):
    found = {use.name.rpartition(".")[2] for use in methods(modules)}
    # `asnumpy` is read outside; what an array or a list has, too, is not counted there.
    names = "mean reshape sum squeeze tile to permute norm abs asnumpy"
    assert found == set(names.split())


def test_a_name_that_mindspore_lacks_is_noticed():
    with pytest.raises(AttributeError, match="no_such"):
        documented("mindspore.ops.no_such")
    module = Module("a.py", ast.parse("from mindspore import ops\nops.no_such.more(1)"))
    assert [use.name for use in named(module)] == ["mindspore.ops.no_such"]
    assert documented("mindspore.float32") is None and documented("mindspore.GRAPH_MODE") is None
