"""What the launchers read out of a run's files: its speed and its final metrics."""

import csv
import json
import math
import re

from .checks import RunError, UsageError

_SAVED = "config.yaml", "opt.json"  # the configuration of a training, by the models' names


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
            lines = [f"  {key}: {value:.6g}" for key, value in found]
        except (OSError, ValueError, AttributeError, RecursionError, OverflowError) as err:
            raise RunError(f"{path}: no metrics that can be read ({err}); see the logs") from None
        return [f"final metrics ({path}):", *lines]

    return report


def log_steps(steps):
    """Steps between log lines of a timed run: many lines, and on a card few looks at it."""
    return max(steps // 100, 1)


def rows_needed(steps):
    """Rows of metrics.csv after which a timed run has made its steps; the first row is step 0's."""
    return 1 + -(-(steps - 1) // log_steps(steps))


def _column(folder, name):
    """The numbers in a column of a run's metrics.csv, which may not have been written yet.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / "metrics.csv"
    try:
        text = path.read_text() if path.exists() else ""
        rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
        return [float(row[name]) for row in rows]
    except (ValueError, TypeError, KeyError, csv.Error) as err:
        raise RunError(f"{path} is damaged, no {name} ({err}); run it again") from None


def step_rates(folder):
    """Examples/s in each row of a run's metrics.csv.

    Raises:
        RunError: the file is damaged.
    """
    rates = _column(folder, "examples_per_s")
    if not all(0 < rate < math.inf for rate in rates):
        path = folder / "metrics.csv"
        raise RunError(f"{path} is damaged, examples_per_s must be above 0; run it again")
    return rates


def _batch_size(output):
    """batch_size of the configuration that a run saved."""
    path = next(path for name in _SAVED for path in output.rglob(name))
    try:
        line = re.search(r'^ *"?batch_size"?: ([1-9]\d{0,8}),?$', path.read_text(), re.MULTILINE)
        return int(line[1])
    except (ValueError, TypeError):
        raise RunError(f"{path} is damaged, it has no batch_size; run it again") from None


def timing(output, rows=None):
    """Means over the rows of a run's metrics.csv but the first, whose step compiles.

    Args:
        output: the training's folder.
        rows: the last one that counts; None: all do.
    Returns:
        {name: figure}: log_lines, and where there are any batch_size, s_per_step, examples_per_s.
    Raises:
        RunError: the files are damaged.
    """
    rates = step_rates(output)[1:rows]
    if not rates:
        return {"log_lines": 0}
    batch = _batch_size(output)
    step = sum(batch / rate for rate in rates) / len(rates)
    figures = {"batch_size": batch, "s_per_step": step, "examples_per_s": batch / step}
    return {"log_lines": len(rates), **figures}


def wait_share(output, rows=None):
    """Mean share of the time that was spent waiting for data, over the same rows as `timing`.

    Raises:
        RunError: the file is damaged.
    """
    shares = _column(output, "wait_share")[1:rows]
    return sum(shares) / len(shares) if shares else None


def speed(values, output):
    """A timed run's report: mean time of a step and examples/s, without the first step.

    Raises:
        UsageError: the run made fewer than two steps.
        RunError: its files are damaged.
    """
    found = timing(output, rows_needed(int(values["steps"])))
    if not found["log_lines"]:
        text = "needs two steps; the first compiles: use --steps=2 or more data"
        raise UsageError(f"{text} ({output / 'metrics.csv'} has fewer rows)")
    counted = f"mean of {found['log_lines']} log lines"
    return [
        f"{found['s_per_step']:.4f} s/iter, {found['examples_per_s']:.2f} examples/s ({counted})"
    ]
