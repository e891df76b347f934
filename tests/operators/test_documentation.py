"""The reader of docstrings, on docstrings written by hand in MindSpore's forms."""

import pytest

from tests.operators import documentation
from tests.operators.documentation import Dtypes, announcements, dtypes, platforms, text_of

OPERATOR = """Adds a bias.

.. warning::
    - This interface is deprecated and will be
      removed after version 2.9.0.
    - On Ascend, float64 doesn't be supported.

Note:
    The data type of table cannot be `mindspore.bool` .

Args:
    mode (str, optional): The mode. Default: ``"a"`` . This parameter will be
        deprecated. Please use `way` instead.
    dtype (:class:`mindspore.dtype`): ``mstype.float16`` or ``mstype.bfloat16`` .

Inputs:
    - **x** (Tensor) - The input tensor. Supported dtypes:

      - GPU: float16, int8.
      - CPU/Ascend: float16,
        float32.

    - **bias** (Union[Tensor, Parameter]) - Of any length, with float32 data type.
    - **flag** (Tensor) - Its data type can be converted to bool.
    - **count** (int) - The data type is int32.

Outputs:
    Tensor, whose data type is float64.

Raises:
    TypeError: If `mode` is not a str.
    TypeError: If dtype of `y`, `z` is neither float16 nor
        float32.

Supported Platforms:
    ``Ascend`` ``CPU``

Examples:
    >>> # deprecated, float64
    >>> print(x)
    [1.]
"""


def allowed(*names):
    return frozenset(names)


def test_platforms_of_one_form():
    assert platforms(OPERATOR) == [{"Ascend", "CPU"}]


def test_platforms_of_each_form_of_a_tensor_method():
    second = "\n.. method:: Tensor.f(x)\n\nSupported Platforms:\n    ``GPU`` ``CPU``\n"
    assert platforms(OPERATOR + second) == [{"Ascend", "CPU"}, {"GPU", "CPU"}]
    assert platforms("Loads a file.") == []
    assert platforms("Supported Platforms:\n    Deprecated\n") == [set()]


def test_dtypes_are_those_of_tensors_on_ascend():
    assert dtypes(documentation.without_examples(OPERATOR)) == [
        Dtypes("", frozenset(), allowed("float64")),
        Dtypes("table", frozenset(), allowed("bool")),
        Dtypes("x", allowed("float16", "float32")),
        Dtypes("bias", allowed("float32")),
        Dtypes("y", allowed("float16", "float32")),
        Dtypes("z", allowed("float16", "float32")),
    ]


def test_all_numbers_are_more_than_are_named():
    (said,) = dtypes("Inputs:\n    - **x** (Tensor) - Supported dtypes: all Number type.\n")
    assert said.takes("float64") and said.takes("int8") and not said.takes("bool")


def test_dtypes_that_are_supported_well():
    (said,) = dtypes("Currently, the data types of float16, int32 are well supported. Others not.")
    assert said == Dtypes("", allowed("float16", "int32"))
    assert said.takes("int32") and not said.takes("float32")


def test_what_is_refused_is_not_taken():
    (said,) = dtypes("On Ascend, float64 and complex64 are not supported.")
    assert not said.takes("complex64") and said.takes("float32")


def test_announcements_know_the_parameter_that_they_are_about():
    found = announcements(documentation.without_examples(OPERATOR))
    assert [(said.section, said.parameter) for said in found] == [("warning", ""), ("Args", "mode")]
    assert found[0].text == (
        "- This interface is deprecated and will be removed after version 2.9.0."
    )


@pytest.mark.parametrize(
    "text",
    [
        "This API will be deprecated in future versions.",
        "After version 2.9.0, the `axis` argument will be renamed to `dim`.",
        "Starting after version 3, the constructor signature will be changed.",
        "The parameter order will change.",
        "Deprecated, use `g`.",
    ],
)
def test_an_announcement_in_other_words(text):
    assert [said.text for said in announcements(f"Adds.\n\n.. warning::\n    {text}\n")] == [text]


def test_a_change_that_breaks_nothing_is_no_announcement():
    text = "The name will be changed to `b`. This change is {}backward-compatible."
    said = [announcements(f"Adds.\n\n.. warning::\n    {text.format(no)}\n") for no in ("", "not ")]
    assert [len(found) for found in said] == [0, 1]


def test_what_goes_by_the_same_words_is_no_announcement():
    text = "Tensor, with the axis `axis` removed. The result will be of the same type."
    assert not announcements(text)
    assert not announcements("This will change:\n\n- item\n")  # what changes stands in the items


@pytest.mark.parametrize(
    "text",
    [
        "For details, please refer to :func:`other`.",
        "Refer to :func:`other` for more details.",
        "Alias for :func:`other()`.",
    ],
)
def test_a_reference_is_followed_where_there_are_no_platforms(monkeypatch, text):
    class Short:
        pass

    class Other:
        __doc__ = OPERATOR

    Short.__doc__ = text
    found = {"short": Short, "other": Other}
    monkeypatch.setattr(documentation, "documented", found.get)
    assert platforms(text_of("short")) == [{"Ascend", "CPU"}]
    assert "float64" not in text_of("short").split("Supported Platforms")[1]
    Short.__doc__ = f"{text}\n\nSupported Platforms:\n    ``CPU``\n"
    assert platforms(text_of("short")) == [{"CPU"}]


def test_a_mere_mention_is_no_reference(monkeypatch):
    class Short:
        """The lists are those of :func:`other`; refer to :func:`other` to see them."""

    monkeypatch.setattr(documentation, "documented", {"short": Short}.get)
    assert platforms(text_of("short")) == []


def test_mindspore_itself_is_read():
    assert platforms(text_of("mindspore.ops.inverse")) == [{"GPU", "CPU"}]
    assert all("Ascend" in form for form in platforms(text_of("mindspore.Tensor.reshape")))
    assert not dtypes(text_of("mindspore.ops.MatMul"))[0].takes("float64")
