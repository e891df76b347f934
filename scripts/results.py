"""What the launchers read out of a run's files: its speed and its final metrics."""

import csv
import re

from checks import UsageError


def numbers(tree, prefix=""):
    """(dotted name, value) of the numbers in nested objects; lists (per image) are left out."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def step_rates(folder):
    """Examples/s of each step in the metrics.csv of a run, which may not have written it yet."""
    path = folder / "metrics.csv"
    text = path.read_text() if path.exists() else ""
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    return [float(row["examples_per_s"]) for row in rows]


def speed(folder, steps):
    """Mean time of the first steps of a run and its examples/s, the compiling first step apart.

    Raises:
        UsageError: the run made fewer than two steps.
    """
    rates = step_rates(folder)[1:steps]
    if not rates:
        raise UsageError("one step tells no speed, the first one compiles; --steps=2 or more data")
    saved = next(folder.rglob("config.yaml")).read_text()  # the resolved one, of this run
    batch = int(re.search(r"^batch_size: (\d+)$", saved, re.MULTILINE)[1])
    step = sum(batch / rate for rate in rates) / len(rates)
    return f"{step:.4f} s/iter, {batch / step:.2f} examples/s (mean of {len(rates)} steps)"
