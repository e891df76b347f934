"""Frames with their neighbours: order, ends, gaps, and several sequences."""

from pathlib import Path

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.media import Frame
from monodepth2.src.sfm_utils.neighbours import check_length, frame_order, with_neighbours


def frames(sequence, values):
    """Frames whose images are their value; None is a bad one."""
    for number, value in enumerate(values):
        image = None if value is None else np.array(value)
        yield Frame(Path(f"{number}.png"), Path(sequence), number, image)


def found(given, offsets):
    """(number, values) of each result."""
    results = with_neighbours(given, offsets)
    return [(frame.number, [int(image) for image in images]) for frame, images in results]


def test_numbers_are_ordered_by_value_within_their_folder():
    files = [Path(name) for name in ("a/10.png", "a/9.png", "b/x10.png", "b/x9.png", "a/008.png")]
    ordered = [str(file) for file in frame_order(files)]
    assert ordered == ["a/008.png", "a/9.png", "a/10.png", "b/x10.png", "b/x9.png"]
    mixed = [Path("10.png"), Path("9.png"), Path("cover.png")]
    assert frame_order(mixed) == mixed
    assert frame_order([Path("١.png"), Path("0.png")]) == [Path("١.png"), Path("0.png")]


@pytest.mark.parametrize(
    ("names", "good"),
    [
        (["a/1.png", "a/2.png", "a/3.png"], True),
        (["a/1.png", "a/2.png", "b/1.png", "b/2.png"], False),
        (["a/1.png", "v.MP4"], True),
    ],
)
def test_a_sequence_must_be_long_enough(names, good):
    files = [Path(name) for name in names]
    check_length(files, (0,))
    if good:
        check_length(files, (-1, 1))
    else:
        with pytest.raises(InputError, match="a, b: .* frames -1 to 1 .* no folder holds 3; give"):
            check_length(files, (-1, 1))


@pytest.mark.parametrize(("offset", "needs"), [(1, 2), (-1, 2), (2, 3), (-3, 4)])
def test_frame_0_counts_although_nobody_looks_at_it(offset, needs):
    files = [Path(f"{number}.png") for number in range(needs)]
    check_length(files, (offset,))
    with pytest.raises(InputError, match=f"no folder holds {needs}"):
        check_length(files[1:], (offset,))


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0,), [(0, [0]), (1, [10]), (2, [20]), (3, [30])]),
        ((-1, 0, 1), [(1, [0, 10, 20]), (2, [10, 20, 30])]),
        ((0, 1), [(0, [0, 10]), (1, [10, 20]), (2, [20, 30])]),
        ((1, 0), [(0, [10, 0]), (1, [20, 10]), (2, [30, 20])]),
        ((-2, -1), [(2, [0, 10]), (3, [10, 20])]),  # frame 0 names the result
        ((2,), [(0, [20]), (1, [30])]),
        ((-3, 2), []),
    ],
)
def test_the_ends_have_no_result(offsets, expected):
    assert found(frames("a", [0, 10, 20, 30]), offsets) == expected


def test_a_bad_frame_takes_the_results_that_need_it():
    values = [0, 1, 2, None, 4, 5, 6]
    assert found(frames("a", values), (-1, 0, 1)) == [(1, [0, 1, 2]), (5, [4, 5, 6])]
    assert found(frames("a", values), (0,)) == [(n, [n]) for n in (0, 1, 2, 4, 5, 6)]
    # Frame 0 must be there even where the network does not look at it.
    assert [number for number, _ in found(frames("a", values), (-1, 1))] == [1, 5]
    assert [number for number, _ in found(frames("a", [0, None, 2]), (-1, 1))] == []


def test_neighbours_are_of_one_sequence():
    given = [*frames("a", [1, 2]), *frames("b", [3, 4, 5])]
    assert found(given, (0, 1)) == [(0, [1, 2]), (0, [3, 4]), (1, [4, 5])]
