"""What a data-parallel step costs on N cards: the model behind the tables of scripts/README.md.

    python -m scripts.launching.scaling                                  # the README's tables
    python -m scripts.launching.scaling --compute 0.050 --gradients 87.6 --intra 25 --inter 11

A step is compute, then the all-reduce of the gradients (a ring inside a server, halving-doubling
between servers, where each card sends its eighth through its own network port), nothing hidden
behind the backward pass. Measure your own machine's numbers before you trust any of it.
"""

import argparse
import math
import sys
from dataclasses import dataclass

CARDS = (8, 64, 1024)
SERVER = 8  # cards in a server


@dataclass(frozen=True)
class Link:
    """Bandwidths in GB/s per card, and the seconds that one message takes however short it is."""

    intra: float = 20.0
    inter: float = 10.0
    latency: float = 20e-6


# name, gradients in MB (float32), seconds of compute per step on one card, samples per card
RUNS = (
    ("DepthNet coarse, batch 4 per card", 87.6, 0.050 * 4 / 32, 4),
    ("DepthNet coarse, batch 32 per card", 87.6, 0.050, 32),
    ("DepthNet fine, batch 4 per card", 0.477, 0.050 * 4 / 32, 4),
    ("MiDaS, batch 8 per card", 422.4, 0.075, 8),
    ("MiDaS, batch 8 per card, slow", 422.4, 0.423, 8),
)


def all_reduce(megabytes, cards, link):
    """Seconds of one all-reduce.

    Args:
        megabytes: size of the gradients, MB (1e6 bytes).
        cards: number of cards; above 8 a multiple of 8.
        link: Link.
    """
    inside, servers = min(cards, SERVER), max(cards // SERVER, 1)
    ring = 2 * (inside - 1) / inside * megabytes / (1e3 * link.intra)
    across = 2 * (servers - 1) / servers * megabytes / inside / (1e3 * link.inter)
    messages = 2 * (inside - 1) + 2 * math.ceil(math.log2(servers))
    return ring + across + messages * link.latency


def table(runs=RUNS, cards=CARDS, link=None):
    """The runs as lines of a Markdown table: all-reduce, lost share of a step, examples/s."""
    link = link or Link()
    head = "".join(f" {count} cards |" for count in cards)
    lines = [f"| run | compute per step |{head}", "|---|---|" + "---|" * len(cards)]
    for name, megabytes, compute, batch in runs:
        cells = []
        for count in cards:
            spent = all_reduce(megabytes, count, link)
            lost, rate = spent / (compute + spent), batch * count / (compute + spent)
            cells.append(f" {1e3 * spent:.1f} ms, {lost:.0%} lost, {rate:.0f} examples/s |")
        lines.append(f"| {name} | {1e3 * compute:.1f} ms |" + "".join(cells))
    return lines


def main(argv):
    """Print the table; with --compute and --gradients that of one run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Link()
    parser.add_argument("--compute", type=float, help="s per step on one card")
    parser.add_argument("--gradients", type=float, help="MB")
    parser.add_argument("--batch", type=int, default=1, help="examples per card")
    parser.add_argument(
        "--intra", type=float, default=default.intra, help="GB/s per card, in a server"
    )
    parser.add_argument("--inter", type=float, default=default.inter, help="GB/s per card, outside")
    parser.add_argument("--latency", type=float, default=default.latency, help="s per message")
    options = parser.parse_args(argv)
    if (options.compute is None) != (options.gradients is None):
        parser.error("--compute and --gradients go together")
    link = Link(options.intra, options.inter, options.latency)
    own = (("yours", options.gradients, options.compute, options.batch),)
    print("\n".join(table(RUNS if options.compute is None else own, link=link)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
