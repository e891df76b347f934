"""What the tests of all models look for in a report."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.browser import Browser

_SIZES = "[...document.images].map((image) => image.complete ? image.naturalWidth : 0)"
_EMPTY = """[...document.querySelectorAll("canvas.cloud")].filter((canvas) => {
  const context = canvas.getContext("2d");
  return !context.getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
}).length"""
_WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


class Report(NamedTuple):
    """The main parts of a report.

    Attributes:
        columns: headings of its first table.
        rows: {name: texts of its cells}.
        images: how many there are.
        clouds, charts: how many canvases and SVGs.
        headings: of its sections.
        text: all of it, but for the images.
    """

    columns: list
    rows: dict
    images: int
    clouds: int
    charts: int
    headings: list
    text: str

    @property
    def network(self):
        """{metric: number} of the first column."""
        return {name: float(cells[0]) for name, cells in self.rows.items()}


def look_at(path, folder):
    """Open a report in a browser, as on a laptop and as on a phone.

    Args:
        path: of the report.
        folder: for the browser's profile.
    Returns:
        How many images are seen.
    """
    with Browser(folder) as browser:
        for width in (1280, 360):
            browser.open(path, width)
            browser.wait_for(f"{_EMPTY} === 0")
            sizes, (needed, there) = browser.value(_SIZES), browser.value(_WIDTHS)
            assert not browser.complaints and all(sizes) and needed <= there == width
    return len(sizes)


def read_report(path):
    """The Report in a file."""
    text = re.sub(r"base64,[^\"]*", "", Path(path).read_text())
    table = text.partition("</table>")[0] if "</table>" in text else ""
    rows = [re.findall(r"<td[^>]*>([^<]*)", row) for row in table.split("<tr>")[2:]]
    return Report(
        columns=re.findall(r'<th scope="col">([^<]*)', table)[1:],
        rows={name.strip(): cells for name, *cells in rows},
        images=text.count("<img"),
        clouds=text.count("<canvas"),
        charts=text.count("<svg"),
        headings=re.findall(r"<h2>([^<]*)", text),
        text=text,
    )
