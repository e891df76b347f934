"""The page that a quickstart ends with."""

import re
import shlex
import sys

import numpy as np
import pytest

from depthnet.src.model_utils.report import Page
from scripts.models import MODELS
from scripts.quickstart import page as module
from scripts.quickstart.comparison import print_table, verdict
from scripts.quickstart.page import write_page
from tests.conftest import REPOSITORY
from tests.model_utils.report_pages import write_metrics
from tests.reports import read_report


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """<root>/out/quickstart of a repository of its own."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    folder = tmp_path / "out" / "quickstart"
    folder.mkdir(parents=True)
    return folder


def steps_of(folder):
    """(name, command) of a quickstart's steps."""
    root, python = folder.parents[1], sys.executable
    return [
        ("render", [python, "-m", "tests.synthetic", "nyu", f"{folder}/NYU"]),
        ("test", [python, f"{root}/model/eval.py", "--input", "*.png", "--report", "report.html"]),
        ("motion", [python, f"{root}/model/eval.py", "--report", "motion.html"]),
        ("compare", [python, "-m", "scripts.quickstart.compare_x", f"{folder}/NYU"]),
    ]


def write_report(folder, name, title):
    page = Page(title, "Introduction")
    page.table("Metrics", {"network": {title: 0.25}})
    page.curves(write_metrics(folder / "metrics.csv"))
    page.histograms("Errors", {f"abs rel of {title}": np.arange(9.0)})
    page.this_command()
    page.write(folder / name)


@pytest.fixture
def written(folder, capsys):
    """The text of a page with two reports and a comparison."""
    write_report(folder, "report.html", "Depth <1> & more")
    write_report(folder, "motion.html", "Motion")
    capsys.readouterr()
    columns = {"constant": {"a1": 0.25, "rmse": 3.5}, "network": {"a1": 0.5, "rmse": 4.5}}
    print_table(["a1", "rmse"], columns)
    verdict("its error", 0.5)
    (folder / "compare.log").write_text(capsys.readouterr().out)
    for number, (name, _) in enumerate(steps_of(folder)[1:]):
        (folder / f".done-{name}").write_text(f"digest {10 * number + 1.6}")
    path = write_page(folder, "depthnet", "Quickstart: x", steps_of(folder))
    assert path == folder / "index.html"
    return read_report(path)


def test_it_begins_with_the_comparison(written):
    assert written.columns == ["constant", "network"]
    assert written.rows == {"a1": ["0.2500", "0.5000"], "rmse": ["3.5000", "4.5000"]}
    best = re.findall(r'<td class="best">([^<]*)', written.text)
    assert best == ["0.5000", "3.5000"]  # of a1 the higher, of the error the lower
    assert "its error is 50 % below the constant&#x27;s (wanted: 25 % below)" in written.text


def test_it_shows_every_report_under_its_title_and_the_same_section_once(written):
    parts = re.findall(r'<h2 class="part">([^<]*)', written.text)
    assert parts == ["Depth &lt;1&gt; &amp; more", "Motion"]
    expected = ["Beside rivals", "Metrics", "Training", "Errors", "Metrics", "Errors", "Commands"]
    assert written.headings == expected
    assert written.charts == 2 + 2  # two stages, two histograms


def test_it_lists_every_command_with_its_seconds_as_it_is_typed_in_the_folder(written, folder):
    codes = re.findall(r"<code>(.*?)</code>", written.text, re.S)
    python = sys.executable
    assert codes == [
        f"cd {shlex.quote(str(folder))}\nexport PYTHONPATH=../..",
        f"{python} -m tests.synthetic nyu NYU",
        f"{python} ../../model/eval.py --input &#x27;*.png&#x27; --report report.html",
        f"{python} ../../model/eval.py --report motion.html",
        f"{python} -m scripts.quickstart.compare_x NYU",
    ]
    seconds = re.findall(r"<b>(\w+)</b>(?:<span>(\d+) s</span>)?", written.text)
    names = ["first", "render", "test", "motion", "compare"]
    assert seconds == list(zip(names, ["", "", "2", "12", "22"]))


def test_a_quickstart_without_reports_still_lists_its_commands(folder):
    write_page(folder, "midas", "Quickstart: x", steps_of(folder)[:1])
    assert read_report(folder / "index.html").headings == ["Commands"]


@pytest.mark.parametrize("model", MODELS)
def test_every_quickstart_reports_what_it_evaluates(model):
    for found in MODELS[model].quickstarts.values():
        evaluations = [step for step in found.steps if step[1] == "eval.py"]
        files = [step[step.index("--report") + 1] for step in evaluations]
        assert evaluations and len(set(files)) == len(files)
        modules = [step[2] for step in found.steps if step[1] == "-m"]
        compared = [name for name in modules if name.startswith("scripts.quickstart.compare")]
        assert compared and (REPOSITORY / model / "src/model_utils/report.py").is_file()
