"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What a report draws: a histogram and curves as SVG, points of a depth map for a canvas.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from .record import read_rows

_WIDTH, _HEIGHT = 480, 240  # of a chart
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 18, 470, 206  # of its axes
_MOST_BARS, _MOST_PLACES = 32, 240
_FEW = 30  # points of a curve: fewer are not smoothed
_MOST_POINTS = 20000  # 9 bytes each
_FARTHEST = 4  # times the median depth: beyond, a sky would make all else small
_COLUMNS = {"loss": "line", "val_loss": "second line"}  # of metrics.csv: {name: CSS class}


def number(value: float) -> str:
    """A number for a table: four decimals, two where there are more than three digits."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        return f"{value:.2e}"
    return f"{value:.4f}" if size < 100 else f"{value:.2f}"


def histogram(values: Sequence[float], unit: str) -> str:
    """SVG: how many of the finite values lie where, and their mean.

    Args:
        unit: what the values are, below the axis.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    bars = int(np.clip(2 * np.sqrt(len(values)), 5, _MOST_BARS))
    counts, edges = np.histogram(values, bars)
    x, y = _axis(edges[0], edges[-1], _LEFT, _RIGHT), _axis(0, counts.max(), _BOTTOM, _TOP)
    parts = []
    for count, low, high in zip(counts, edges, edges[1:]):
        title = f"<title>{low:.3g} to {high:.3g}: {count}</title>"
        box = f'x="{x(low) + 0.5:.1f}" width="{max(x(high) - x(low) - 1, 0.5):.1f}"'
        place = f'y="{y(count):.1f}" height="{_BOTTOM - y(count):.1f}"'
        parts.append(f'<rect class="bar" {box} {place}>{title}</rect>')
    mean = x(values.mean())
    parts.append(f'<path class="line mean" d="M{mean:.1f} {_TOP}V{_BOTTOM}"/>')
    side = "end" if mean > (_LEFT + _RIGHT) / 2 else "start"
    shift = -5 if side == "end" else 5
    text = f"mean {values.mean():.3g}"
    parts.append(_text(mean + shift, _TOP + 10, text, side, "mean"))
    ends = [(edges[0], edges[-1]), (0, counts.max())]
    return _chart(parts, ends, f"{unit}; {len(values)} values", "count")


def curves(path: str | Path) -> dict[str, str]:
    """{stage: SVG of its losses against the step} of a metrics.csv.

    Raises:
        InputError: the file is damaged.
    """
    stages: dict[str, dict[str, list]] = {}
    for row in read_rows(path):
        for column in _COLUMNS:
            if (value := _finite(row.get(column))) is not None:
                lines = stages.setdefault(row["stage"], {})
                lines.setdefault(column, []).append((int(row["step"]), value))
    return {stage: _lines(lines) for stage, lines in stages.items()}


def _finite(text):
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def _lines(lines: Mapping[str, list]):
    """SVG of {column: [(step, value), ...]}."""
    found = {name: _thinned(np.float64(points)) for name, points in lines.items()}
    every = np.concatenate(list(found.values()))
    (first, low), (last, high) = every.min(0), every.max(0)
    x, y = _axis(first, last, _LEFT, _RIGHT), _axis(low, high, _BOTTOM, _TOP)
    parts = []
    for row, (name, points) in enumerate(found.items()):
        drawn = {f"raw {_COLUMNS[name]}": points, _COLUMNS[name]: _smooth(points)}
        for kind, line in drawn.items() if len(points) >= _FEW else [(_COLUMNS[name], points)]:
            place = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in line)
            parts.append(f'<polyline class="{kind}" points="{place}"/>')
        if len(found) > 1:
            kind = "mean" if "second" in _COLUMNS[name] else "line"
            parts.append(_text(_RIGHT - 4, _TOP + 12 + 16 * row, name, "end", kind))
    return _chart(parts, [(first, last), (low, high)], "step", "loss")


def _thinned(points):
    """Means of neighbouring points (N, 2), so that at most _MOST_PLACES are left."""
    parts = np.array_split(points, min(len(points), _MOST_PLACES))
    return np.stack([part.mean(0) for part in parts])


def _smooth(points):
    """Means over about a fifteenth of the points around each."""
    window = np.ones(max(1, len(points) // 15))
    sums, counts = (
        np.convolve(values, window, "same") for values in (points[:, 1], np.ones(len(points)))
    )
    return np.column_stack([points[:, 0], sums / counts])


def _axis(low, high, start, end):
    """Function of a value -> place between start and end."""
    span = high - low if high > low else 1.0
    return lambda value: start + (end - start) * (value - low) / span


def _text(x, y, text, anchor, kind=""):
    kind = f' class="{kind}"' if kind else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text{kind} {place}>{html.escape(text)}</text>"


def _chart(parts, ends, below, beside):
    """An SVG with axes; ends are (low, high) of x and of y."""
    (left, right), (bottom, top) = ends
    texts = [
        _text(_LEFT, _BOTTOM + 16, f"{left:.3g}", "start"),
        _text(_RIGHT, _BOTTOM + 16, f"{right:.3g}", "end"),
        _text(_LEFT - 6, _BOTTOM, f"{bottom:.3g}", "end"),
        _text(_LEFT - 6, _TOP + 10, f"{top:.3g}", "end"),
        _text((_LEFT + _RIGHT) / 2, _BOTTOM + 30, below, "middle"),
        _text(_LEFT + 6, _TOP - 6, beside, "start"),
    ]
    axes = f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>'
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(below)}"'
    return f"<svg {box}>{axes}{''.join(parts + texts)}</svg>"


def back_project(
    depth: np.ndarray, rgb: np.ndarray, camera: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Points of a depth map, thinned to 20,000, without what is far away.

    Args:
        depth: (H, W); what is not finite or not above 0 gives no point.
        rgb: (h, w, 3) uint8, the same view in any size.
        camera: fx, fy, cx, cy in pixels of the depth map.
    Returns:
        ((N, 3) float32: x right, y down, z ahead; (N, 3) uint8 RGB).
    """
    height, width = depth.shape
    factor = np.sqrt(_MOST_POINTS / depth.size)
    size = max(1, int(width * factor)), max(1, int(height * factor))
    # Thinned by leaving pixels out: the mean of a near and a far one would float between them.
    way = cv2.INTER_NEAREST if factor < 1 else cv2.INTER_LINEAR
    z = cv2.resize(np.float32(depth), size, interpolation=way)
    colors = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    u, v = np.meshgrid(*((np.arange(n) + 0.5) / n for n in size))
    fx, fy, cx, cy = camera
    x, y = (u * width - 0.5 - cx) / fx, (v * height - 0.5 - cy) / fy
    rays = np.stack([x, y, np.ones_like(x)], -1)
    good = np.isfinite(z) & (z > 0)
    if good.any():
        good &= z <= _FARTHEST * np.median(z[good])
    return np.float32(rays[good] * z[good][:, None]), colors[good]


def packed_cloud(points: np.ndarray, colors: np.ndarray) -> dict[str, str]:
    """Attributes of a canvas: points of a unit sphere, roughly, as int16, colours as bytes.

    Args:
        points: (N, 3), any unit, N at least 1.
        colors: (N, 3) uint8 RGB.
    Returns:
        {"points", "colors"}: base64; {"unit"}: of the points.
    """
    centred = points - np.median(points, axis=0)
    centred /= max(float(np.percentile(np.linalg.norm(centred, axis=1), 90)), 1e-9)
    unit = max(float(np.abs(centred).max()), 1e-9) / 32767
    levels = np.int16(np.rint(centred / unit))
    return {
        "points": b64encode(levels.astype("<i2").tobytes()).decode(),
        "colors": b64encode(np.uint8(colors).tobytes()).decode(),
        "unit": f"{unit:.9g}",
    }
