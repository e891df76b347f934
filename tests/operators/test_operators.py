"""All that the models use of MindSpore is allowed by its documentation, or in the table."""

from collections import defaultdict
from fnmatch import fnmatch
from functools import lru_cache

import mindspore as ms
import pytest

from tests.operators.documentation import announcements, dtypes, platforms, text_of
from tests.operators.judging import is_affected
from tests.operators.table import CAUSES, NEWEST, ROWS
from tests.operators.uses import Use, methods, named, read_models

# Modules that hold networks, which mixed precision computes in float16; the rest is float32.
HALF = ("networks", "cpu_forms", "resize", "decoder_conv", "few_pixels", "fast_conv")
KNOWN = {
    "mindspore.ops.concat": "geonet/src/forward.py",
    "mindspore.nn.Conv2dTranspose": "depthnet/src/networks.py",
    "mindspore.nn.Adam": "midas/src/optimizers.py",
    "mindspore.ops.Conv2D": "src/model_utils/cpu_forms.py",
    "mindspore.value_and_grad": "src/model_utils/step.py",
    "mindspore.Tensor.sum": "depthnet/src/losses.py",
    "mindspore.Tensor.permute": "src/sfm_utils/poses.py",
    "mindspore.Tensor.shape": "monodepth2/src/losses/view_synthesis.py",
}


@lru_cache(None)
def uses():
    """Every use in the four models' programs, in the source's order."""
    modules = read_models()
    return (*(use for module in modules for use in named(module)), *methods(modules))


@lru_cache(None)
def read(name):
    """Platforms, data types and announcements of a name."""
    try:
        text = text_of(name)
    except AttributeError as err:
        return [{str(err)}], [], []
    is_newest = ms.__version__.startswith(NEWEST)
    return platforms(text), dtypes(text), announcements(text) if is_newest else []


@lru_cache(None)
def causes(use: Use):
    """What of a use the documentation does not simply allow: {cause: what it says}."""
    (forms, types, announced), found = read(use.name), {}
    if not forms or not all("Ascend" in form for form in forms):
        found["platform"] = f"lists {[sorted(form) for form in forms]}"
    given = {"float32", "float16"} if any(part in use.place for part in HALF) else {"float32"}
    for said in types:
        floats = {name for name in said.allowed if "float" in name}
        refused = {name for name in given if not said.takes(name)}
        if refused and (floats or said.refused & given):
            found["dtype"] = f"{said.parameter or 'input'} takes {sorted(said.allowed)}"
    for said in announced:
        if is_affected(use, said):
            found["announced"] = said.text
    return found


def allows(row, use):
    return row.name == use.name and any(fnmatch(use.place, part) for part in row.places.split())


@pytest.mark.parametrize("cause", CAUSES)
def test_what_the_documentation_does_not_allow_is_in_the_table(cause):
    missing = defaultdict(set)
    for use in uses():
        rows = [row for row in ROWS if row.cause == cause and allows(row, use)]
        if cause in causes(use) and not rows:
            missing[f"{use.name}: {causes(use)[cause]}"].add(f"{use.place}:{use.line}")
    lines = [f"{' '.join(sorted(places))} {said}" for said, places in missing.items()]
    hint = "use something else, or give it a row in tests/operators/table.py"
    assert not lines, "\n".join((f"not allowed ({cause}); {hint}:", *lines))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.cause}")
def test_a_row_of_the_table_is_needed(row):
    if row.cause == "announced" and not ms.__version__.startswith(NEWEST):
        pytest.skip(f"announcements are those of MindSpore {NEWEST}*")
    found = [use for use in uses() if row.cause in causes(use) and allows(row, use)]
    assert found, f"remove the row: {row.name} is not used so in {row.places}, or is allowed now"
    for pattern in row.places.split():
        assert any(fnmatch(use.place, pattern) for use in found), f"nothing in {pattern} needs it"


def test_a_row_says_why_and_what_else():
    for row in ROWS:
        assert row.cause in CAUSES and row.reason and row.fallback and row.places, row
    keys = [(row.name, row.cause, row.places) for row in ROWS]
    assert len(set(keys)) == len(keys)


def test_the_walk_finds_what_is_known_to_be_used():
    found = {(use.name, use.place) for use in uses()}
    assert not set(KNOWN.items()) - found
    # Fewer than today's would mean that the walk, or the reader, has stopped to see something.
    assert len({name for name, _ in found}) >= 90


def test_most_documentation_can_be_read():
    names = sorted({use.name for use in uses()})
    with_platforms, with_dtypes, with_announcements = (
        [name for name in names if read(name)[part]] for part in range(3)
    )
    assert len(with_platforms) >= 70
    assert len(with_dtypes) >= 9, with_dtypes
    assert len(with_announcements) >= 30 or not ms.__version__.startswith(NEWEST)


def test_what_only_a_cpu_has_stays_in_the_cpu_forms():
    """ops.Custom is listed for Ascend, but its functions in Python ("pyfunc") run on CPU only."""
    places = {use.place for use in uses() if use.name == "mindspore.ops.Custom"}
    assert places and all(place.endswith("_cpu.py") for place in places)
