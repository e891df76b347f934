"""The table that a quickstart ends with: a network's errors beside those of a constant."""

# By how much a network must be better to have learned something from a few rendered images.
MARGIN = 0.25


def print_table(names, columns):
    """Print numbers in columns.

    Args:
        names: of the rows.
        columns: {heading: {row name: number}}.
    """
    print(f"{'':20}" + "".join(f"{heading:>12}" for heading in columns))
    for name in names:
        print(f"{name:20}" + "".join(f"{values[name]:12.4f}" for values in columns.values()))


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
