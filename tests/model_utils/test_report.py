"""A report: what stands in the file, that it needs nothing else, and where it may go."""

import base64
import re
import shlex
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.report import Page, Picture, metrics_beside, report_place
from tests.model_utils.report_pages import HOSTILE, page_of, picture

VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """The elements of a page, and whether they are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def decoded(source):
    """The image (H, W, 3) RGB of a data URI."""
    kind, _, text = source.partition(";base64,")
    assert kind in ("data:image/png", "data:image/jpeg")
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture
def made(tmp_path):
    return Reader(page_of(tmp_path).html())


def test_nothing_is_fetched_from_anywhere(made, tmp_path):
    for tag, attrs in made.tags:
        for key, value in attrs.items():
            assert not key.startswith("on"), (tag, key)
            if key in ("src", "href", "srcset", "data", "action", "poster"):
                assert value.startswith("data:"), (tag, value[:80])
    text = page_of(tmp_path).html()
    assert not re.search(r"https?:|@import|url\(|//[a-z]+\.|\bfetch\(|XMLHttp|import\(", text)
    assert not made.all("iframe") and [one for one in made.all("script") if one] == []


def test_it_stays_small(tmp_path):
    assert len(page_of(tmp_path).html()) < 400_000


def test_all_text_is_shown_as_it_is(tmp_path):
    page = page_of(tmp_path, HOSTILE)
    made, plain = Reader(page.html()), Reader(page_of(tmp_path, "plain").html())
    assert [tag for tag, _ in made.tags] == [tag for tag, _ in plain.tags]
    assert [text.replace("plain", HOSTILE) for text in plain.texts] == made.texts
    assert "onclick" not in {key for _, attrs in made.tags for key in attrs}


def test_the_table_holds_the_values_and_marks_the_best_of_each_row():
    page = Page("t", "i")
    columns = {"network": {"abs_rel": 0.25, "a1": 0.5, "sq_rel": 1234.5, "x": 2e-6}}
    columns["mean map"] = {"abs_rel": 0.5, "a1": 0.75, "sq_rel": float("nan")}
    page.table("Metrics", columns, ("a1",))
    rows = re.findall(r"<tr>(.*?)</tr>", page.sections[0])
    cells = [re.findall(r"<td( class=\"best\")?>([^<]*)", row) for row in rows[1:]]
    assert re.findall(r'<th scope="col">([^<]*)', rows[0]) == ["", "network", "mean map"]
    assert [[text for _, text in row] for row in cells] == [
        ["abs_rel ", "0.2500", "0.5000"],
        ["a1 ", "0.5000", "0.7500"],
        ["sq_rel ", "1234.50", "–"],
        ["x ", "2.00e-06", "–"],
    ]
    best = [[bool(mark) for mark, _ in row[1:]] for row in cells]
    assert best == [[True, False], [False, True], [True, False], [True, False]]
    assert ["↑" in row for row in rows[1:]] == [False, True, False, False]


def test_pictures_are_embedded_with_their_titles(made):
    images = made.all("img")
    assert [image["alt"] for image in images[:3]] == ["image", "map", "wide"]
    tiles = [tile for _, tile in picture().tiles]
    # A small tile keeps its pixels exactly; a wide one is shrunk.
    for image, tile in zip(images, tiles[:2]):
        np.testing.assert_array_equal(decoded(image["src"]), tile)
    assert decoded(images[2]["src"]).shape == (48, 640, 3)


@pytest.mark.parametrize(("size", "kind"), [((60, 80), "tiles"), ((60, 130), "tiles wide")])
def test_wide_pictures_get_more_room(size, kind):
    page = Page("t", "i")
    page.pictures("p", [("c", picture(size))])
    assert f'<div class="{kind}" style="--tiles: 3">' in page.sections[0]


def test_a_large_photo_is_a_jpeg_close_to_what_it_was():
    ramp = np.tile(np.linspace(0, 255, 400), (300, 1))[..., None] * (1, 0.5, 0.2)
    photo = np.uint8(np.clip(ramp + np.random.default_rng(0).normal(0, 4, ramp.shape), 0, 255))
    page = Page("t", "i")
    page.pictures("p", [("c", Picture([("image", photo)], 0, 1, ""))])
    (image,) = Reader(page.html()).all("img")
    assert image["src"].startswith("data:image/jpeg")
    assert np.abs(np.int32(decoded(image["src"])) - photo).mean() < 4


def test_what_is_not_there_is_left_out(tmp_path):
    page = Page("t", "i")
    page.curves(None)
    (tmp_path / "metrics.csv").write_text("stage,step,loss\n")
    page.curves(tmp_path / "metrics.csv")
    page.histograms("h", {"abs rel": [float("nan"), None]})
    page.cloud("c", np.zeros((0, 3)), np.zeros((0, 3), np.uint8))
    assert page.sections == []


def test_sections_of_another_page_come_below_a_heading(tmp_path):
    page, other = Page("t", "i"), page_of(tmp_path)
    page.part("A & B", other.sections[:2])
    assert page.sections[1:] == other.sections[:2] and "A &amp; B" in page.sections[0]
    Reader(page.html())


def test_commands_can_be_copied_as_they_were_typed(monkeypatch):
    words = ["eval.py", "--name", "two words", "<x>"]
    monkeypatch.setattr(sys, "argv", words)
    page = Page("t", "i")
    page.this_command()
    made = Reader(page.html())
    command = next(text for text in made.texts if text.startswith("python "))
    assert shlex.split(command) == ["python", *words]
    page.commands("Steps", [("train", "python train.py", 61.6), ("rest", "ls", None)])
    assert Reader(page.html()).texts.count("62 s") == 1


def test_it_is_written_in_one_step(tmp_path, monkeypatch, capsys):
    path = tmp_path / "report.html"
    path.write_text("before")
    page, seen, real = page_of(tmp_path), [], Path.replace

    def replace(self, target):
        seen.append((path.read_text(), self.read_text()))
        real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    page.write(path)
    assert seen == [("before", page.html())] and path.read_text() == page.html()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["metrics.csv", "report.html"]
    assert f"wrote {path}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("folder.html", "is a folder; give a file name in it"),
        ("missing/a.html", "missing is missing; make it first"),
        ("file/a.html", "file is missing; make it first"),
        ("a.txt", "expected a file name that ends in .html"),
        ("a", "expected a file name that ends in .html"),
    ],
)
def test_wrong_places_are_told_in_one_line(tmp_path, path, text):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="^report ") as caught:
        report_place(str(tmp_path / path), "x.ckpt")
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_refused():
    """/proc takes no files, not even root's."""
    with pytest.raises(InputError, match="/proc cannot be written to .*; give another folder"):
        report_place("/proc/a.html", "x.ckpt")


def test_no_place_is_no_report_and_a_right_one_stays_as_it_is(tmp_path):
    assert report_place("", "x.ckpt") is None
    path = tmp_path / "a.html"
    path.write_text("before")
    assert report_place(str(path), tmp_path / "x.ckpt") == (path, None)
    assert path.read_text() == "before" and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ("run/Ckpt/Final.ckpt", True),
        ("run/model-7", True),
        ("run/models/weights_best", True),
        ("run", True),
        ("run/a/b/c/d.ckpt", False),
        ("other/x.ckpt", False),
    ],
)
def test_the_training_s_metrics_are_found_beside_its_weights(tmp_path, weights, found):
    (tmp_path / "run").mkdir()
    metrics = tmp_path / "run" / "metrics.csv"
    metrics.write_text("stage,step,loss\n")
    assert metrics_beside(tmp_path / weights) == (metrics if found else None)
