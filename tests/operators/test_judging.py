"""Which calls an announcement affects."""

import ast

import pytest

from tests.operators.documentation import Statement
from tests.operators.judging import is_affected
from tests.operators.uses import Use

TO_A_SIGNATURE = (
    "overload `sum(axis=None, keepdims=False)` including `initial` will be removed, and"
)
TO_A_SIGNATURE += " only `sum(dim=None, keepdim=False, *, dtype=None)` will be supported."
FROM_TO = "the signature will change from ``squeeze(*axis)`` to ``squeeze(dim=None)``."
LONG = "the constructor signature will be changed to ``Conv2d(in_channels, stride=1)``."
RENAMED = "Parameter `x` will be renamed to `input`."  # of ops.sqrt
POOL = "`pad_mode` and `data_format` will be removed."  # of nn.MaxPool2d
KEYWORD = "``dtype`` will become a keyword parameter."  # of ops.zeros
DEFAULT = "The parameter `axis` will be renamed to `dim`, with default value changing."  # of amax


def use(name, call):
    """A use of that name; "" where no call is seen."""
    return Use(f"mindspore.{name}", "a.py", 1, ast.parse(call).body[0].value if call else None)


@pytest.mark.parametrize(
    ("name", "text", "call", "affected"),
    [
        ("Tensor.sum", TO_A_SIGNATURE, "x.sum()", False),
        ("Tensor.sum", TO_A_SIGNATURE, "x.sum(1, True)", False),
        ("Tensor.sum", TO_A_SIGNATURE, "x.sum(1, keepdim=True)", False),
        ("Tensor.sum", TO_A_SIGNATURE, "x.sum(1, keepdims=True)", True),
        ("Tensor.sum", TO_A_SIGNATURE, "x.sum(1, True, dtype)", True),
        ("Tensor.squeeze", FROM_TO, "x.squeeze(1)", False),
        ("Tensor.squeeze", FROM_TO, "x.squeeze(1, 2)", True),
        ("nn.Conv2d", LONG, "nn.Conv2d(3, stride=2)", False),
        ("nn.Conv2d", LONG, "nn.Conv2d(3, **options)", True),
        ("nn.Conv2d", LONG, "nn.Conv2d(*options)", True),
        ("nn.Conv2d", LONG, "", True),
        ("ops.sqrt", RENAMED, "ops.sqrt(y)", False),
        ("ops.sqrt", RENAMED, "ops.sqrt(x=y)", True),
        ("nn.MaxPool2d", POOL, "nn.MaxPool2d(2, 2)", False),
        ("nn.MaxPool2d", POOL, "nn.MaxPool2d(2, pad_mode='same')", True),
        ("nn.MaxPool2d", POOL, "nn.MaxPool2d(2, 2, 'same')", True),
        ("ops.zeros", KEYWORD, "ops.zeros(shape, dtype=ms.float32)", False),
        ("ops.zeros", KEYWORD, "ops.zeros(shape, ms.float32)", True),
        ("ops.amax", DEFAULT, "ops.amax(x, 1)", False),
        ("ops.amax", DEFAULT, "ops.amax(x)", True),
        ("ops.gather", "The parameter order will change.", "ops.gather(x, i, 0)", True),
        ("ops.select", "`input` will have other semantics.", "ops.select(c, x, y)", True),
        ("Tensor.asnumpy", "the name will be changed to `numpy`.", "x.asnumpy()", True),
        ("Tensor.numpy", "the name will be changed to `numpy`.", "x.numpy()", False),
    ],
)
def test_a_call_is_affected(name, text, call, affected):
    said = Statement("warning", "", f"After version 2.9.0: {text}")
    assert is_affected(use(name, call), said) == affected


def test_what_is_said_of_one_argument_concerns_the_calls_that_pass_it():
    said = Statement("Args", "device_id", "device_id (int): This parameter will be deprecated.")
    assert is_affected(use("set_context", "ms.set_context(device_id=1)"), said)
    assert not is_affected(use("set_context", "ms.set_context(mode=1)"), said)
    assert not is_affected(use("set_context", ""), said)
