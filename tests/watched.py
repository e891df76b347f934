"""A program of a model that tells how many initial values it drew and what it compiled.

python -m tests.watched PROGRAM.py FLAGS      in the model's folder, the repository in PYTHONPATH
"""

import atexit
import json
import os
import runpy
import sys

from tests.conftest import REPOSITORY

_MARK = "watched: "


def watched(program, script, *flags):
    """Run a program of a copied model folder.

    Returns:
        (what it printed, {"initial": parameters that got initial values, "compiled": graphs}).
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    out, _ = program.run("-m", "tests.watched", script, *flags, env=environment)
    out, counts = out.rsplit(_MARK, 1)
    return out, json.loads(counts)


def main():
    """Count, run the program, print the counts."""
    from mindspore.common.api import _CellGraphExecutor
    from mindspore.common.initializer import Initializer

    counts = {"initial": 0, "compiled": 0}
    draw, build = Initializer.__call__, _CellGraphExecutor.compile

    def drawing(self, array):
        counts["initial"] += 1
        return draw(self, array)

    def compiling(self, *given, **named):
        phase, is_new = build(self, *given, **named)
        counts["compiled"] += is_new
        return phase, is_new

    Initializer.__call__, _CellGraphExecutor.compile = drawing, compiling
    atexit.register(lambda: print(_MARK + json.dumps(counts)))
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
