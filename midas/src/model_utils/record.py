"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

metrics.csv, and curves.png drawn from it.
"""

import csv
from pathlib import Path

import cv2
import numpy as np

from .images import write_bytes, write_png


class Record:
    """Rows of numbers of one stage of a run, appended to a CSV that several stages may share.

    Args:
        path: the CSV; rows of this stage at or after `start` (of a run that was cut off) go.
        stage: name in the first column.
        start: first step that will be written.
        active: False writes nothing (ranks other than 0).
    """

    def __init__(self, path, stage, start, active=True):
        self.path, self.stage, self.active = Path(path), stage, active
        if not active:
            return
        rows = read_rows(path) if self.path.exists() else []
        kept = [r for r in rows if r["stage"] != stage or int(r["step"]) < start]
        self._fields = list(kept[0]) if kept else None
        lines = [",".join(self._fields), *(",".join(r.values()) for r in kept)] if kept else []
        write_bytes(path, "".join(f"{line}\n" for line in lines).encode())

    def add(self, **values):
        """Append one row; the first row's keys become the header."""
        if not self.active:
            return
        values = {"stage": self.stage, **values}
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self._fields or list(values), lineterminator="\n")
            if self._fields is None:
                self._fields = list(values)
                writer.writeheader()
            writer.writerow(values)


def read_rows(path):
    """Rows of a metrics.csv as dicts of str; a last line that a kill cut short is left out."""
    text = Path(path).read_text()
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    return [row for row in rows if None not in row and None not in row.values()]


def draw_curves(csv_path, png_path, column="loss"):
    """Draw one column against the step, one panel a stage, and write it as a PNG."""
    rows = read_rows(csv_path)
    stages = dict.fromkeys(row["stage"] for row in rows)
    panels = []
    for stage in stages:
        points = [(int(row["step"]), float(row[column])) for row in rows if row["stage"] == stage]
        panels.append(_draw(np.array(points, np.float64), f"{stage}: {column}"))
    if panels:
        write_png(png_path, np.hstack(panels))


def _draw(points, title, height=320, width=480, margin=40):
    image = np.full((height, width, 3), 255, np.uint8)
    low, high = points.min(0), points.max(0)
    span = np.where(high > low, high - low, 1)
    unit = (points - low) / span * (width - 2 * margin, height - 2 * margin)
    pixels = np.int32(np.rint([margin, height - margin] + unit * [1, -1]))
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
