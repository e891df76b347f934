"""A report in a headless Chromium: nothing fails, all is seen, the point cloud turns."""

import numpy as np
import pytest

from depthnet.src.model_utils.report import Page
from tests.browser import Browser
from tests.model_utils.report_pages import HOSTILE, page_of

# Of the canvas: how many pixels are drawn, and a sum that tells one picture from another.
STATISTICS = """(() => {
  const canvas = document.querySelector("canvas.cloud");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0, sum = 0, red = 0, blue = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) {
    drawn++; sum = (sum * 31 + i + data[i] * 7 + data[i + 2]) % 1000000007;
    if (data[i] > data[i + 2]) red++; else blue++;
  }
  return { drawn, sum, red, blue, all: canvas.width * canvas.height };
})()"""
# How much of the canvas's width and of its height lies between the outermost pixels.
COVERED = """(() => {
  const canvas = document.querySelector("canvas.cloud"), { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const u = [], v = [];
  for (let i = 0; i < width * height; i++) if (data[4 * i + 3]) {
    u.push(i % width); v.push(Math.floor(i / width));
  }
  const range = (all) => all.reduce(([a, b], c) => [Math.min(a, c), Math.max(b, c)], [1e9, 0]);
  return [range(u), range(v)].map(([a, b], i) => (b - a + 1) / [width, height][i]);
})()"""
PLACE = """(() => { const canvas = document.querySelector("canvas.cloud");
  canvas.scrollIntoView({ block: "center" }); const box = canvas.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2]; })()"""
BACK = 'document.querySelector("canvas.cloud").dispatchEvent(new Event("dblclick"))'
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
LOADED = "[...document.images].map((image) => image.complete ? image.naturalWidth : 0)"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(page_of(folder, HOSTILE).html())
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def cloud(browser, page):
    """The middle of the canvas in a window of a laptop's size; the cloud holds still."""
    browser.open(page)
    place = browser.value(PLACE)
    browser.drag(place, place)
    return place


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "touch"), [(1280, False), (360, True)])
def test_nothing_fails_and_nothing_is_fetched(browser, page, width, touch, dark):
    browser.open(page, width, 800, dark=dark, touch=touch)
    browser.wait_for(f"{STATISTICS}.drawn > 0")
    assert not browser.complaints
    others = [one for one in browser.requests if not one.startswith("data:")]
    assert others == [page.as_uri()]
    assert browser.value("document.title") == f"Title {HOSTILE}"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_point_cloud_fills_its_canvas(browser, tmp_path, width):
    """That of a street: what a camera with a narrow view sees, most of it far away."""
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 100), np.linspace(-0.15, 0.15, 40))
    z = np.where(v < 0, 40, 1.5 / np.maximum(v, 0.04))
    page, path = Page("Street", ""), tmp_path / "street.html"
    page.cloud("Cloud", np.stack([u * z, v * z, z], -1).reshape(-1, 3), np.full((4000, 3), 99))
    path.write_text(page.html())
    browser.open(path, width, 800)
    browser.wait_for(f"{STATISTICS}.drawn > 0")
    assert max(browser.value(COVERED)) > 0.75


@pytest.mark.parametrize(("width", "rows"), [(1280, 1), (768, 1), (360, 2)])
def test_tiles_stand_in_one_row_or_in_two_columns(browser, page, width, rows):
    browser.open(page, width)
    tops = "[...document.querySelectorAll('.tiles figure')].map((one) => one.offsetTop)"
    assert len(set(browser.value(tops))) == rows


@pytest.mark.parametrize("width", [1280, 768, 360])
def test_all_images_are_seen_and_no_window_scrolls_sideways(browser, page, width):
    browser.open(page, width, 800)
    widths = browser.value(LOADED)
    assert len(widths) == 4 and all(widths)
    needed, there = browser.value(WIDTHS)
    assert needed <= there == width


def test_dark_and_light_differ(browser, page):
    found = []
    for dark in (False, True):
        browser.open(page, dark=dark)
        found.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert found[0] != found[1]


def test_the_parts_are_linked_at_the_top(browser, page):
    browser.open(page)
    links = browser.value("[...document.querySelectorAll('nav a')].map((a) => a.textContent)")
    headings = browser.value("[...document.querySelectorAll('h2')].map((a) => a.textContent)")
    assert links == headings and len(links) == 8
    missing = (
        "[...document.querySelectorAll('nav a')].filter((a) => !document.querySelector(a.hash))"
    )
    assert browser.value(f"{missing}.length") == 0


def test_the_cloud_is_drawn_and_turns_until_it_is_touched(browser, page):
    browser.open(page)
    browser.value(PLACE)
    before = browser.value(STATISTICS)
    assert before["drawn"] > 0.02 * before["all"]
    browser.wait_for(f"{STATISTICS}.sum !== {before['sum']}")


def test_it_holds_still_when_it_was_touched_and_turns_with_the_mouse(browser, cloud):
    still = browser.value(STATISTICS)
    browser.value("new Promise((done) => setTimeout(done, 300))")
    assert browser.value(STATISTICS) == still
    x, y = cloud
    browser.drag(cloud, (x + 60, y + 20))
    turned = browser.value(STATISTICS)
    assert turned["sum"] != still["sum"] and turned["drawn"] > 0
    browser.drag(cloud, (x - 60, y - 20))
    assert browser.value(STATISTICS)["sum"] == still["sum"]


def test_near_points_cover_far_ones(browser, cloud):
    """From in front the red square hides the middle of the blue one, which is drawn last."""
    browser.value(BACK)
    browser.drag(cloud, (cloud[0] + 44, cloud[1] - 25))  # to where the camera was
    middle = browser.value("""(() => { const canvas = document.querySelector("canvas.cloud");
      const context = canvas.getContext("2d"), w = canvas.width / 2, h = canvas.height / 2;
      const data = context.getImageData(w - 60, h - 40, 120, 80).data;
      const found = [0, 0];
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3]) found[data[i] > data[i + 2] ? 0 : 1]++;
      return found; })()""")
    assert middle[0] > 50 * max(middle[1], 1)


def test_the_wheel_zooms_and_a_double_click_goes_back(browser, cloud):
    first = browser.value(STATISTICS)
    browser.drag(cloud, (cloud[0] + 30, cloud[1]))
    browser.wheel(cloud, -300)
    browser.wait_for(f"{STATISTICS}.drawn > {1.2 * first['drawn']}")
    assert browser.value("scrollY") > 0  # of the page, which stays where it was
    browser.value(BACK)
    back = browser.value(STATISTICS)["drawn"]
    assert back == pytest.approx(first["drawn"], rel=0.2)


def test_keys_turn_it(browser, cloud):
    browser.value('document.querySelector("canvas.cloud").focus()')
    before = browser.value(STATISTICS)["sum"]
    browser.key("ArrowRight")
    assert browser.value(STATISTICS)["sum"] != before
    browser.key("ArrowLeft")
    assert browser.value(STATISTICS)["sum"] == before


def test_fingers_turn_and_zoom_it(browser, page):
    browser.open(page, 390, 800, touch=True)
    x, y = browser.value(PLACE)
    # A finger that goes up or down scrolls the page as everywhere.
    style = 'getComputedStyle(document.querySelector("canvas.cloud")).touchAction'
    assert browser.value(style) == "pan-y"
    browser.swipe([(x, y)], [(x, y)])
    before = browser.value(STATISTICS)
    browser.swipe([(x - 40, y)], [(x + 40, y)])
    browser.wait_for(f"{STATISTICS}.sum !== {before['sum']}")
    before = browser.value(STATISTICS)
    browser.swipe([(x - 20, y), (x + 20, y)], [(x - 60, y), (x + 60, y)])
    browser.wait_for(f"{STATISTICS}.drawn > {1.2 * before['drawn']}")


def test_a_command_is_copied(browser, page):
    browser.open(page)
    browser.value("""navigator.clipboard.writeText = (text) => { window.copied = text; }""")
    browser.value("document.querySelector('button.copy').click()")
    assert browser.value("copied") == f"python x.py {HOSTILE}"
    assert browser.value("document.querySelector('button.copy').textContent") == "copied"
