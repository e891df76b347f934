"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Panels: images of results side by side, and which results are worth a look.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .images import colorize


def worst_and_best(errors: Sequence[float], count: int) -> list[tuple[str, int, int]]:
    """The results with the largest and with the smallest errors, each at most once.

    Args:
        errors: one per result; NaN for none.
        count: how many of each kind.
    Returns:
        List of ("worst" or "best", place from 0, index into errors).
    """
    ranked = [i for i in np.argsort(-np.asarray(errors), kind="stable") if np.isfinite(errors[i])]
    worst, rest = ranked[:count], ranked[count:]
    best = rest[-count:][::-1] if count else []
    chosen = [("worst", place, int(index)) for place, index in enumerate(worst)]
    return chosen + [("best", place, int(index)) for place, index in enumerate(best)]


def worth_a_look(
    errors: Sequence[float], names: Sequence[str], unit: str, count: int
) -> tuple[list[tuple[str, int]], int]:
    """Which results a report shows.

    Args:
        errors: one per result, at least one of them finite.
        names: of the results.
        unit: what the errors are.
        count: how many of the worst and of the best.
    Returns:
        ([(caption, index) of the worst, then of the best], index of the one with the median error).
    """
    chosen = [
        (f"{word} {place + 1}: {names[index]}, {unit} {errors[index]:.3f}", index)
        for word, place, index in worst_and_best(errors, count)
    ]
    ranked = [int(i) for i in np.argsort(errors, kind="stable") if np.isfinite(errors[i])]
    return chosen, ranked[len(ranked) // 2]


def panel(
    tiles: Sequence[tuple[str, np.ndarray]], low: float, high: float, unit: str
) -> np.ndarray:
    """Titled RGB images of one size side by side, above a colour legend from low to high.

    Args:
        tiles: list of (title, (H, W, 3) uint8 RGB).
        low, high: values at the two ends of the legend; `unit` is written after them.
    Returns:
        (H', W', 3) uint8 RGB.
    """
    columns = []
    for title, image in tiles:
        bar = np.full((24, image.shape[1], 3), 255, np.uint8)
        columns.append(np.vstack([_text(bar, title, 6), image]))
    top = np.hstack(columns)
    ramp = np.tile(np.linspace(low, high, top.shape[1] - 200), (14, 1))
    legend = np.full((24, top.shape[1], 3), 255, np.uint8)
    legend[5:19, 100:-100] = colorize(ramp, low, high)
    _text(legend, f"{low:.2f} {unit}", 6)
    return np.vstack([top, _text(legend, f"{high:.2f} {unit}", top.shape[1] - 94)])


def _text(image, text, x):
    return cv2.putText(
        image, text, (x, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
    )
