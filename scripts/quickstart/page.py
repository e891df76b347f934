"""The last thing that a quickstart writes: a page with what it made, and how."""

import html
import importlib
import os
import re
import shlex

from ..launching.arguments import ROOT
from .comparison import HIGHER, read_log
from .steps import seconds_of

_SECTION = re.compile(r"<section>.*?</section>\n", re.S)
_TITLE = re.compile(r"<h1>(.*?)</h1>")
_RIVALS = "The network, on what it was not trained on, and what it has to beat."


def write_page(folder, model, title, steps):
    """Write index.html: the comparison, what the evaluations reported, the commands.

    Args:
        folder: of the quickstart.
        model: its folder's name.
        title: of the page.
        steps: list of (name, words of the command).
    Returns:
        The path of the page.
    """
    report = importlib.import_module(f"{model}.src.model_utils.report")
    text = "A small network, trained within minutes on rendered images that come with true depth."
    page = report.Page(title, f"{text} The held-out images below were not trained on.")
    for name, words in steps:
        if any(word.startswith("scripts.quickstart.compare") for word in words):
            _add_comparison(page, (folder / f"{name}.log").read_text())
    for _, words in steps:
        if "--report" in words:
            _add_report(page, (folder / words[words.index("--report") + 1]).read_text())
    commands = [(name, _shown(words, folder), seconds_of(folder, name)) for name, words in steps]
    place = [f"cd {shlex.quote(str(folder))}", f"export PYTHONPATH={_up(folder)}"]
    page.commands("Commands", [("first", "\n".join(place), None), *commands])
    path = folder / "index.html"
    report.write_bytes(path, page.html().encode())
    return path


def _add_comparison(page, log):
    """Add the tables and the verdicts of a step that compares."""
    tables, rest = read_log(log)
    for number, columns in enumerate(tables):
        note = "" if number else "\n".join([_RIVALS, *rest])
        page.table("More beside rivals" if number else "Beside rivals", columns, HIGHER, note)


def _add_report(page, text):
    """Add what a report shows, but for its command and what is on the page already."""
    sections = _SECTION.findall(text)[:-1]
    page.part(
        html.unescape(_TITLE.search(text)[1]),
        [section for section in sections if section not in page.sections],
    )


def _up(folder):
    return os.path.relpath(ROOT, folder)


def _shown(words, folder):
    """A command as it is typed in the folder."""
    places = {f"{folder}/": "", f"{ROOT}/": f"{_up(folder)}/"}
    for place, short in places.items():
        words = [re.sub(f"^{re.escape(place)}", short, word) for word in words]
    return shlex.join(words)
