"""What MindSpore's docstrings say of an operator: platforms, data types, what will be removed."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from tests.operators.uses import documented

_INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_FLOATS = {"float16", "float32", "float64", "bfloat16"}
_NUMBERS = _INTEGERS | _FLOATS | {"complex64", "complex128"}
_DTYPE = re.compile(r"\b(?:(?:u?int|float|bfloat|complex)\d+|bool)\b")
_REFERENCE = re.compile(
    r"(?:refer to|Refer to|Alias for|alias for) :(?:func|class):`([\w.]+?)(?:\(\))?`"
    r"(?= for more detail|\.?(?:\n|$))"
)
_HEADER = re.compile(r"(?:([A-Z][A-Za-z ]+):|\.\. (\w+)::.*)$")
_ENTRIES = ("Args", "Inputs", "Keyword Args", "Raises")
_ANNOUNCED = re.compile(
    r"(?i)deprecat|\bwill (?:no longer )?be (?:removed|renamed|changed|aligned|merged)"
    r"|\bwill (?:change|undergo|become)|after version \d"
)
_TENSORS = re.compile(
    r"(?i)(?:data types?|dtypes?|supported types?|types?)"
    r"(?: (?:is|of|can be|must be|should be))?:? ([^.]*)"
)
_BEFORE = re.compile(r"with ((?:\w+, )*\w+(?: (?:or|and) \w+)?) (?:data types?|dtypes?)\b")
_RAISED = re.compile(r"(?:dtype|data type|type) of .* is (?:not|neither)(?: one of)?:? (.*)")
_SUPPORTED = re.compile(r"types of (.*) are well supported")
_REFUSED = re.compile(r"[Dd]ata types? of `?(\w+)`? cannot be ([^.]*`[\w.]+`)")
_NOT_ON_ASCEND = re.compile(r"On Ascend, (.*?) (?:is|are|does|do)(?:n't| not)\b[^.]*supported")


def text_of(name: str) -> str:
    """The docstring of a class, function or Tensor method, and of what it refers to, if it does so
    instead of telling its platforms; examples are left out."""
    found = documented(name)
    if found is None and name.startswith("mindspore.Tensor."):
        found = getattr(documented("mindspore.Tensor"), name.rpartition(".")[2])
    text = without_examples(inspect.getdoc(found) or "")
    reference = reference_in(text)
    if reference and not platforms(text):
        text += "\n\n" + text_of(reference)
    return text


def reference_in(text: str) -> str | None:
    """The name that a docstring sends its reader to."""
    match = _REFERENCE.search(text)
    return match[1] if match else None


def without_examples(text: str) -> str:
    """A docstring without its examples, which name dtypes and functions, too."""
    kept, skipping = [], False
    for line in text.splitlines():
        if re.match(r"(Tutorial )?Examples:", line):
            skipping = True
        elif line and not line[0].isspace():
            skipping = False
        kept += [] if skipping else [line]
    return "\n".join(kept)


def platforms(text: str) -> list[set[str]]:
    """The platforms of each form that a docstring describes: a Tensor method may have several."""
    lines = re.findall(r"Supported Platforms:\s*\n\s*(.*)", text)
    return [set(re.findall(r"``(\w+)``", line)) for line in lines]


@dataclass
class Statement:
    """A paragraph of a docstring, an item of a list, or all that is said of a parameter.

    Attributes:
        section: "Args", "Inputs", "Raises", "warning"...; "" outside of them.
        parameter: whose entry in Args or Inputs it is, else "".
        text: in one line.
    """

    section: str
    parameter: str
    text: str


def statements(text: str) -> list[Statement]:
    """What a docstring says, in its order."""
    found, section, depth, after_blank = [], "", 0, True
    for line in text.splitlines():
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        header = _HEADER.match(line)
        if not stripped or header:
            after_blank = True
            if header:
                section, depth = header[1] or header[2], None
            continue
        if indent == 0:
            section, depth = "", 0
        depth = indent if depth is None else depth
        is_item = indent <= depth and (section in _ENTRIES or stripped.startswith("- "))
        if is_item or (after_blank and section not in _ENTRIES) or not found:
            found.append(Statement(section, _parameter(section, stripped), stripped))
        else:
            found[-1].text += f" {stripped}"
        after_blank = False
    return found


def _parameter(section, line):
    match = re.match(r"(?:- )?(?:\*\*)?(\w+)(?:\*\*)? ?\(", line)
    return match[1] if match and section in _ENTRIES[:3] else ""


def announcements(text: str) -> list[Statement]:
    """The statements that something is deprecated, will be removed, or will change."""
    said = [part for part in statements(text) if not part.text.endswith(":")]
    found = [part for part in said if _ANNOUNCED.search(part.text)]
    return [part for part in found if "change is backward-compatible" not in part.text]


@dataclass
class Dtypes:
    """The data types of a parameter, or of all ("").

    Attributes:
        allowed: the only ones, or empty.
        refused: not these.
    """

    parameter: str
    allowed: frozenset[str]
    refused: frozenset[str] = frozenset()

    def takes(self, dtype: str) -> bool:
        return dtype not in self.refused and (not self.allowed or dtype in self.allowed)


def dtypes(text: str) -> list[Dtypes]:
    """What a docstring says of the data types that an operator takes on Ascend."""
    found = []
    for part in statements(text):
        refused, missing = _REFUSED.search(part.text), _NOT_ON_ASCEND.search(part.text)
        if part.section in ("Args", "Inputs") and "Tensor" in part.text:
            text = _on_ascend(part.text)
            match = _BEFORE.search(text) or _TENSORS.search(text)
            found += _listed([part.parameter], match)
        elif part.section == "Raises":
            parameters = re.findall(r"`(\w+)`", part.text.split(" is ")[0])
            found += _listed(parameters, _RAISED.search(part.text))
        elif refused:
            found.append(Dtypes(refused[1], frozenset(), _words(refused[2])))
        elif missing and _words(missing[1]):
            found.append(Dtypes("", frozenset(), _words(missing[1])))
        else:
            found += _listed([""], _SUPPORTED.search(part.text))
    return found


def _listed(parameters, match):
    # What can be converted says nothing of what may be given.
    allowed = _words(match[1]) if match and "convert" not in match[1] else frozenset()
    return [Dtypes(parameter, allowed) for parameter in parameters if allowed]


def _on_ascend(text):
    """Of a list by platforms only what it says of Ascend."""
    lists = re.split(r" - (?=[\w/]+: )", text)
    mine = [part for part in lists[1:] if "Ascend" in part.split(":")[0]]
    return f"{lists[0]} {mine[0]}" if mine else text


def _words(text):
    everything = (
        _NUMBERS if re.search(r"(?i)\ball numbers?( types?)?\b|\bNumber\b", text) else set()
    )
    return frozenset(everything | set(_DTYPE.findall(text)))
