"""What the launchers read out of a run's files: its speed and its final metrics."""

import csv
import json
import re

from .checks import RunError, UsageError


def numbers(tree, prefix=""):
    """(dotted name, value) of the numbers in nested objects; lists (per image) are left out."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def final_metrics(name):
    """A pipeline's report: the numbers of the JSON `name` in its output folder."""

    def report(_values, output):
        path = output / name
        try:
            found = [*numbers(json.loads(path.read_text()))]
        except (OSError, ValueError, AttributeError) as err:
            raise RunError(f"{path}: no metrics that can be read ({err}); see the logs") from None
        return [f"final metrics ({path}):", *(f"  {key}: {value:.6g}" for key, value in found)]

    return report


def log_steps(steps):
    """Steps between log lines of a timed run: many lines, and on a card few looks at it."""
    return max(steps // 100, 1)


def rows_needed(steps):
    """Rows of metrics.csv after which a timed run has made its steps; the first row is step 0's."""
    return 1 + -(-(steps - 1) // log_steps(steps))


def step_rates(folder):
    """Examples/s in each row of a run's metrics.csv, which may not have been written yet."""
    path = folder / "metrics.csv"
    text = path.read_text() if path.exists() else ""
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    return [float(row["examples_per_s"]) for row in rows]


def speed(values, output):
    """A timed run's report: mean time of a step and examples/s, without the first step.

    Raises:
        UsageError: the run made fewer than two steps.
    """
    rates = step_rates(output)[1 : rows_needed(int(values["steps"]))]
    if not rates:
        raise UsageError("needs two steps; the first compiles: use --steps=2 or more data")
    saved = next(output.rglob("config.yaml")).read_text()  # the resolved one, of this run
    batch = int(re.search(r"^batch_size: (\d+)$", saved, re.MULTILINE)[1])
    step = sum(batch / rate for rate in rates) / len(rates)
    counted = f"mean of {len(rates)} log lines"
    return [f"{step:.4f} s/iter, {batch / step:.2f} examples/s ({counted})"]
