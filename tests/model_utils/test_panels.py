"""Panels: images side by side above a legend, and which results are worth a look."""

import cv2
import numpy as np
import pytest

from depthnet.src.model_utils.images import colorize
from depthnet.src.model_utils.panels import panel, worst_and_best, worth_a_look

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [("worst", 0, 4), ("best", 0, 2)]),
        (2, [("worst", 0, 4), ("worst", 1, 0), ("best", 0, 2), ("best", 1, 5)]),
        # Five have an error: none is in both lists.
        (3, [("worst", i, n) for i, n in enumerate((4, 0, 3))] + [("best", 0, 2), ("best", 1, 5)]),
        (9, [("worst", i, n) for i, n in enumerate((4, 0, 3, 5, 2))]),
    ],
)
def test_the_largest_and_the_smallest_errors_each_once(count, expected):
    errors = [0.5, np.nan, 0.1, 0.5, 0.9, 0.2]  # of two that are equal the first comes first
    assert worst_and_best(errors, count) == expected


def test_a_report_shows_both_ends_and_the_middle():
    errors, names = [0.5, np.nan, 0.1, 0.25, 0.9], list("abcde")
    chosen, middle = worth_a_look(errors, names, "abs rel", 1)
    assert chosen == [("worst 1: e, abs rel 0.900", 4), ("best 1: c, abs rel 0.100", 2)]
    assert middle == 0  # of 0.1, 0.25, 0.5 and 0.9 the upper one
    assert worth_a_look([3.0], ["x"], "m", 2) == ([("worst 1: x, m 3.000", 0)], 0)


def test_only_numbers_are_ranked():
    assert worst_and_best([np.nan, np.inf, 3.0], 1) == [("worst", 0, 2)]
    assert worst_and_best([], 3) == []
    (_, _, index), *_ = worst_and_best([1.0], 1)
    assert type(index) is int


def strip(width, *texts):
    """A white strip with texts at x positions, drawn here."""
    image = np.full((24, width, 3), 255, np.uint8)
    for x, text in texts:
        font = cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
        cv2.putText(image, text, (x, 17), *font)
    return image


def test_a_panel_is_titled_tiles_above_a_legend():
    tiles = [RNG.integers(0, 256, (240, 320, 3)).astype(np.uint8) for _ in range(2)]
    image = panel(list(zip(("image", "depth"), tiles)), 0.5, 7, "m")
    assert image.shape == (24 + 240 + 24, 640, 3) and image.dtype == np.uint8
    for number, (title, tile) in enumerate(zip(("image", "depth"), tiles)):
        columns = slice(320 * number, 320 * number + 320)
        np.testing.assert_array_equal(image[24:264, columns], tile)
        np.testing.assert_array_equal(image[:24, columns], strip(320, (6, title)))
    legend = strip(640)
    ramp = np.tile(np.linspace(0.5, 7, 440), (14, 1))
    legend[5:19, 100:540] = colorize(ramp, 0.5, 7)
    for x, text in ((6, "0.50 m"), (546, "7.00 m")):
        font = cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
        cv2.putText(legend, text, (x, 17), *font)
    np.testing.assert_array_equal(image[264:], legend)
