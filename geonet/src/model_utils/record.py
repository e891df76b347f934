"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

metrics.csv, and curves.png drawn from it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np

from .errors import InputError
from .files import write_bytes
from .images import write_png

_KEYS = ("stage", "step")


class Record:
    """Rows of numbers of one stage of a run, appended to a CSV that several stages may share.

    The header is the union of all stages' columns; a stage leaves the others' cells empty.

    Args:
        path: the CSV; rows of this stage at or after `start`, left by a killed run, are removed.
        stage: name in the first column.
        start: first step that will be written.
        active: False writes nothing (ranks other than 0).
    Raises:
        InputError: the CSV is damaged.
    """

    def __init__(self, path: str | Path, stage: str, start: int, active: bool = True):
        self.path, self.stage, self.active = Path(path), stage, active
        self._fields: list[str] = []
        if not active:
            return
        rows = read_rows(path) if self.path.exists() else []
        self._fields = list(rows[0]) if rows else []
        self._write([r for r in rows if r["stage"] != stage or int(r["step"]) < start])

    def add(self, **values: object) -> None:
        """Append one row; a column that is new is added to the rows before it too."""
        if not self.active:
            return
        values = {"stage": self.stage, **values}
        new = [name for name in values if name not in self._fields]
        if new:
            rows = read_rows(self.path)
            self._fields += new
            self._write(rows)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self._fields, "", lineterminator="\n").writerow(values)

    def _write(self, rows):
        text = io.StringIO()
        writer = csv.DictWriter(text, self._fields, "", lineterminator="\n")
        if self._fields:
            writer.writeheader()
        writer.writerows(rows)
        write_bytes(self.path, text.getvalue().encode())


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Rows of a metrics.csv; a last line that a kill cut short is left out.

    Raises:
        InputError: the file is not a metrics.csv; the line is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        reader = csv.DictReader(text.rpartition("\n")[0].splitlines(), strict=True)
        rows = [row for row in reader if None not in row and None not in row.values()]
    except (ValueError, csv.Error) as err:
        raise InputError(f"{path} is damaged ({err}); repair or remove it") from None
    if rows and not set(_KEYS) <= set(rows[0]):
        raise InputError(f"{path} has no columns stage and step; repair or remove it")
    for number, row in enumerate(rows, 2):
        if not row["step"].isdecimal() or len(row["step"]) > 18:
            raise InputError(f"{path} line {number}: step {row['step']!r}; repair or remove it")
    return rows


def draw_curves(csv_path: str | Path, png_path: str | Path, column: str = "loss") -> None:
    """Draw one column against the step, one panel per stage, and write it as a PNG.

    Nothing is drawn where there is no row yet.
    """
    rows = read_rows(csv_path) if Path(csv_path).exists() else []
    rows = [row for row in rows if _is_finite(row.get(column))]
    stages = dict.fromkeys(row["stage"] for row in rows)
    panels = []
    for stage in stages:
        points = [(int(row["step"]), float(row[column])) for row in rows if row["stage"] == stage]
        panels.append(_draw(np.array(points, np.float64), f"{stage}: {column}"))
    if panels:
        write_png(png_path, np.hstack(panels))


def _is_finite(text):
    try:
        return bool(np.isfinite(float(text)))
    except (TypeError, ValueError):
        return False


def _draw(points, title, height=320, width=480, margin=40):
    image = np.full((height, width, 3), 255, np.uint8)
    low, high = points.min(0), points.max(0)
    span = np.maximum(high - low, np.finfo(np.float64).tiny)
    offset = (points - low) / span * (width - 2 * margin, 2 * margin - height)
    pixels = np.int32(np.rint([margin, height - margin] + offset))
    corners = (margin, margin), (width - margin, height - margin)
    cv2.rectangle(image, *corners, (200, 200, 200))
    cv2.polylines(image, [pixels], False, (200, 60, 20), 1, cv2.LINE_AA)
    labels = {
        (margin, 25): title,
        (4, margin): f"{high[1]:.3g}",
        (4, height - margin): f"{low[1]:.3g}",
    }
    labels[margin, height - 15] = f"step {low[0]:.0f}"
    labels[width - margin - 90, height - 15] = f"step {high[0]:.0f}"
    for place, text in labels.items():
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return image
