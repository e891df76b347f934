"""Render a small synthetic data set in the format of a real one.

    python -m tests.synthetic nyu OUT --train 48 --test 12 --seed 0
    python -m tests.synthetic midas OUT

A folder that is complete is left alone when the arguments are the same. Exit 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import time

from tests.synthetic.files import build, default_workers
from tests.synthetic.formats import FORMATS


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line and exit code 2."""
        self.exit(2, f"{self.prog}: {message} (--help lists the arguments)\n")


def _whole(low):
    def whole(text):
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is too small, at least {low} is needed")
        return value

    return whole


def _parse(arguments):
    parser = _Parser(prog="python -m tests.synthetic", description=__doc__.splitlines()[0])
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    for name, (planner, options) in FORMATS.items():
        summary = planner.__doc__.partition("Args:")[0]
        sub = formats.add_parser(name, description=summary)
        sub.add_argument("out", metavar="OUT", help="folder to write to")
        sub.add_argument("--seed", type=_whole(0), default=0, help="same seed, same data (0)")
        sub.add_argument("--workers", type=_whole(1), default=default_workers(), help="processes")
        for key, (low, default, meaning) in options.items():
            kind = {"choices": low} if isinstance(low, tuple) else {"type": _whole(low)}
            sub.add_argument(f"--{key}", default=default, help=f"{meaning} ({default})", **kind)
    return parser, vars(parser.parse_args(arguments))


def main(arguments=None):
    """Run the command line.

    Args:
        arguments: list of strings; those of the process when None.
    """
    parser, options = _parse(arguments)
    name, out, workers = (options.pop(key) for key in ("format", "out", "workers"))
    start = time.perf_counter()
    try:
        plan = FORMATS[name][0](out, **options)
    except ValueError as error:
        parser.error(str(error))
    if not plan.jobs:
        parser.error("nothing to write: all counts are 0")
    try:
        written = build(out, {"format": name, **options}, plan, workers)
    except OSError as error:
        parser.error(str(error))
    described = " ".join(f"{key}={value}" for key, value in options.items())
    if written is None:
        print(f"{out}: {name} is complete already ({described})")
    else:
        seconds = time.perf_counter() - start
        print(f"{out}: wrote {written} files of {name} in {seconds:.1f} s ({described})")


if __name__ == "__main__":
    main()
