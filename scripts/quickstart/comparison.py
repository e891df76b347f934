"""The table that a quickstart ends with: a network's errors beside those of a constant."""

import re

# Metrics for which a higher value is better.
HIGHER = {"a1", "a2", "a3", "delta1_loss", "delta2_loss", "delta3_loss"}
_NAME, _COLUMN = 20, 12  # characters
# By how much a network must be better to have learned something from a few rendered images.
MARGIN = 0.25


def print_table(names, columns):
    """Print numbers in columns.

    Args:
        names: of the rows.
        columns: {heading: {row name: number}}.
    """
    print(" " * _NAME + "".join(f"{heading:>{_COLUMN}}" for heading in columns))
    for name in names:
        cells = "".join(f"{values[name]:{_COLUMN}.4f}" for values in columns.values())
        print(f"{name:{_NAME}}{cells}")


def read_log(text):
    """(tables that `print_table` printed, as {heading: {row: number}}; the other lines)."""
    tables, rest = [], []
    for line in text.splitlines():
        name, cells = line[:_NAME].strip(), _cells(line)
        if not name and cells:
            tables.append({heading: {} for heading in cells})
        elif name and tables and len(cells) == len(tables[-1]) and all(map(_is_number, cells)):
            for column, cell in zip(tables[-1].values(), cells):
                column[name] = float(cell)
        else:
            rest.append(line)
    return tables, rest


def _cells(line):
    """The texts of a line's columns; none where a column's border cuts a text."""
    cells = [line[at : at + _COLUMN] for at in range(_NAME, len(line), _COLUMN)]
    return [cell.strip() for cell in cells] if all(map(str.strip, cells)) else []


def _is_number(text):
    return re.fullmatch(r"-?\d+\.\d+|nan|-?inf", text)


def verdict(what, gain, rival="constant", wanted=None):
    """Print by how much the network is better and return the exit status.

    Args:
        what: words for the network's error.
        gain: by which share of the rival's error it is lower.
        rival: words for what it is compared with.
        wanted: the least share; None: MARGIN.
    Returns:
        0 when it is at least that, else 1 (also for NaN).
    """
    wanted = MARGIN if wanted is None else wanted
    side, aim = "above" if gain < 0 else "below", f"wanted: {100 * wanted:.0f} % below"
    print(f"{what} is {abs(100 * gain):.0f} % {side} the {rival}'s ({aim})")
    return 0 if gain >= wanted else 1
