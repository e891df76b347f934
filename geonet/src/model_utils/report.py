"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

A report: one HTML file with pictures, tables, curves and a point cloud that needs nothing else.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from .errors import InputError
from .files import is_file, write_bytes
from .images import colorize, enlarge
from .report_charts import curves, histogram, number, packed_cloud
from .report_page import PAGE, SCRIPT, STYLE

MOST_ERROR = 0.5  # abs rel at the end of the colours
_ENDINGS = (".html", ".htm")
_WIDEST, _SMALL = 640, 200  # pixels of a picture; below the second its pixels are shown
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 88)


class Picture(NamedTuple):
    """Tiles that belong together, on one scale of colours.

    Attributes:
        tiles: (title, (H, W, 3) uint8 RGB) of each.
        low, high: values at the ends of `colorize`'s colours; `unit` is written after them.
    """

    tiles: Sequence[tuple[str, np.ndarray]]
    low: float
    high: float
    unit: str


def with_error(picture: Picture, error: np.ndarray) -> Picture:
    """The picture, and a tile of relative errors (H, W), NaN where there is none."""
    shape = picture.tiles[0][1].shape[:2]
    tile = f"abs rel, up to {MOST_ERROR}", enlarge(colorize(error, 0, MOST_ERROR), *shape)
    return Picture([*picture.tiles, tile], *picture[1:])


class ReportPlace(NamedTuple):
    """Where a report goes, and the metrics.csv of the training that it shows, or None."""

    path: Path
    metrics_csv: Path | None


def report_place(path: str, weights: str | Path) -> ReportPlace | None:
    """Where a report goes, None for an empty path.

    Call it before anything is computed.

    Args:
        path: as the user gave it.
        weights: what is evaluated; the metrics.csv of its training is looked for beside it.
    Raises:
        InputError: the file cannot be written there.
    """
    if not path:
        return None
    place = Path(path).expanduser()
    if place.suffix.lower() not in _ENDINGS:
        raise InputError(f"report {path}: expected a file name that ends in .html")
    if place.is_dir():
        raise InputError(f"report {path} is a folder; give a file name in it")
    if not place.parent.is_dir():
        raise InputError(f"report {path}: the folder {place.parent} is missing; make it first")
    try:
        with tempfile.TemporaryFile(dir=place.parent):
            pass
    except OSError as err:
        text = f"{place.parent} cannot be written to ({err.strerror})"
        raise InputError(f"report {path}: {text}; give another folder") from None
    return ReportPlace(place, metrics_beside(weights))


def metrics_beside(weights: str | Path) -> Path | None:
    """The metrics.csv of the training that wrote some weights: in a folder of them, or near it."""
    weights = Path(weights).resolve()
    found = (folder / "metrics.csv" for folder in (weights, *weights.parents[:2]))
    return next(filter(is_file, found), None)


class Page:
    """A report; what is added appears in that order.

    All text is shown as it is: no part of it is taken as HTML. Each line of a note is a paragraph.

    Args:
        title: of the page.
        introduction: what it shows, in a sentence or two.
    """

    def __init__(self, title: str, introduction: str):
        self.title, self.introduction = title, introduction
        self.sections: list[str] = []

    def part(self, title: str, sections: Iterable[str]) -> None:
        """A heading, and the sections of another page below it."""
        self.sections += [f'<h2 class="part">{escape(title)}</h2>\n', *sections]

    def table(
        self,
        title: str,
        columns: Mapping[str, Mapping[str, float]],
        higher: Collection[str] = (),
        note: str = "",
    ) -> None:
        """Numbers of several rivals; the best of each row is marked.

        Args:
            columns: {heading: {row: value}}; the first column names the rows, others may lack some.
            higher: rows where a higher value is better.
        """
        heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *columns))
        rows = "".join(_row(name, columns, name in higher) for name in next(iter(columns.values())))
        text = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        self._add(title, f'<div class="scroll">{text}</div>', note)

    def pictures(self, title: str, pictures: Sequence[tuple[str, Picture]], note: str = "") -> None:
        """Captioned pictures, each a row of tiles above its scale."""
        parts = [f"<h3>{escape(caption)}</h3>{_tiles(picture)}" for caption, picture in pictures]
        self._add(title, "".join(parts), note)

    def drawing(self, title: str, rgb: np.ndarray, note: str = "") -> None:
        """One image (H, W, 3) uint8 RGB."""
        self._add(title, f'<figure class="drawing">{_embedded(rgb, title)}</figure>', note)

    def histograms(self, title: str, values: Mapping[str, Sequence[float]]) -> None:
        """Where the errors of images lie: {what they are: values}; left out if none is finite."""
        found = {unit: np.float64(some) for unit, some in values.items()}
        charts = [histogram(some, unit) for unit, some in found.items() if np.isfinite(some).any()]
        if charts:
            self._add(title, f'<div class="charts">{"".join(charts)}</div>')

    def curves(self, metrics_csv: str | Path | None) -> None:
        """The losses of a training; left out without its metrics.csv."""
        found = curves(metrics_csv) if metrics_csv else {}
        if found:
            parts = [f"<div><h3>{escape(name)}</h3>{chart}</div>" for name, chart in found.items()]
            note = f"Means of neighbouring steps where there are many. From {metrics_csv}."
            self._add("Training", f'<div class="charts">{"".join(parts)}</div>', note)

    def cloud(self, title: str, points: np.ndarray, colors: np.ndarray, note: str = "") -> None:
        """Points (N, 3), x right, y down, z ahead, in colours (N, 3) uint8; left out if none."""
        if not len(points):
            return
        packed = packed_cloud(points, colors).items()
        data = " ".join(f'data-{name}="{value}"' for name, value in packed)
        label = "Point cloud; arrow keys turn it, plus and minus zoom"
        place = f'class="cloud" tabindex="0" role="img" aria-label="{label}"'
        canvas = f"<canvas {place} {data}></canvas>"
        hint = "Drag to turn, wheel or two fingers to zoom, double click to go back."
        self._add(title, canvas, f"{note} {hint}".strip())

    def commands(
        self, title: str, commands: Sequence[tuple[str, str, float | None]], note: str = ""
    ) -> None:
        """Commands to copy: (name, command, seconds it took or None)."""
        parts = []
        for name, command, seconds in commands:
            took = "" if seconds is None else f"<span>{seconds:.0f} s</span>"
            button = '<button class="copy" type="button">copy</button>'
            parts.append(f'<div class="step"><b>{escape(name)}</b>{took}{button}</div>')
            parts.append(f"<pre><code>{escape(command)}</code></pre>")
        self._add(title, "".join(parts), note)

    def this_command(self) -> None:
        """The command line of the running program."""
        self.commands("Command", [("made this page", shlex.join(["python", *sys.argv]), None)])

    def html(self) -> str:
        """The text of the file."""
        return PAGE.format(
            title=escape(self.title),
            introduction=escape(self.introduction),
            sections="".join(self.sections),
            style=STYLE,
            script=SCRIPT,
        )

    def write(self, path: str | Path) -> None:
        """Write the file in one step; a line is printed."""
        write_bytes(path, self.html().encode())
        print(f"wrote {path}", flush=True)

    def _add(self, title, body, note=""):
        lines = note.splitlines()
        notes = "".join(f'<p class="note">{escape(line)}</p>' for line in lines)
        self.sections.append(f"<section><h2>{escape(title)}</h2>{notes}{body}</section>\n")


def _row(name, columns, higher):
    """A row of a table."""
    values = [column.get(name, np.nan) for column in columns.values()]
    best = (np.nanmax if higher else np.nanmin)(values) if np.isfinite(values).any() else None
    cells = []
    for value in values:
        mark = ' class="best"' if value == best and len(values) > 1 else ""
        cells.append(f"<td{mark}>{number(value) if np.isfinite(value) else '–'}</td>")
    way = "higher is better" if higher else "lower is better"
    arrow = f'<span class="way" title="{way}">{"↑" if higher else "↓"}</span>'
    return f"<tr><td>{escape(name)} {arrow}</td>{''.join(cells)}</tr>"


def _tiles(picture):
    figures = []
    for title, rgb in picture.tiles:
        caption = f"<figcaption>{escape(title)}</figcaption>"
        figures.append(f"<figure>{_embedded(rgb, title)}{caption}</figure>")
    scale = f"<span>{picture.low:.3g}</span><i></i><span>{picture.high:.3g}</span>"
    legend = f'<div class="legend">{scale}<span>{escape(picture.unit)}</span></div>'
    height, width = picture.tiles[0][1].shape[:2]
    kind = "tiles wide" if width > 2 * height else "tiles"
    place = f'class="{kind}" style="--tiles: {len(figures)}"'
    return f"<div {place}>{''.join(figures)}</div>{legend if picture.unit else ''}"


def _embedded(rgb, title):
    """An <img> of an array, as the smaller of PNG and JPEG."""
    height, width = rgb.shape[:2]
    if width > _WIDEST:
        size = _WIDEST, max(1, round(height * _WIDEST / width))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    png = cv2.imencode(".png", bgr)[1].tobytes()
    jpeg = cv2.imencode(".jpg", bgr, _JPEG)[1].tobytes()
    small = ' class="small"' if width < _SMALL else ""
    pair = (png, "png") if small or len(png) <= len(jpeg) else (jpeg, "jpeg")
    return _image(*pair, title, small)


def _image(data, kind, title, attribute):
    source = f"data:image/{kind};base64,{b64encode(data).decode()}"
    return f'<img{attribute} alt="{escape(title)}" src="{source}">'
