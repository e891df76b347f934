"""The judge itself: every bad way to end is told from the good ones; damage follows its seed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.fuzz.mutations import KINDS, mutate

ROOT = Path(__file__).resolve().parents[2]


def test_every_bad_end_is_told_from_the_good_ones():
    command = [sys.executable, "-m", "tests.fuzz.bad_readers"]
    verdicts = json.loads(subprocess.check_output(command, cwd=ROOT, text=True, timeout=120))
    assert verdicts == {
        "success": "read",
        "one line": "refused",
        "two lines": "not one line of a readable length",
        "a long line": "not one line of a readable length",
        "no name": "the file is not named",
        "another exception": "traceback",
        "exit": "traceback",
        "crash": "crash",
        "hang": "hang",
        "memory": "memory",
        "memory without a handler": "memory",
    }


def test_a_seed_gives_the_same_damage_again_and_another_seed_other_damage():
    def damage(seed):
        return [mutate(np.random.default_rng((seed, i)), bytes(range(200)))[0] for i in range(50)]

    assert damage(1) == damage(1)
    assert sum(a != b for a, b in zip(damage(1), damage(2))) > 40


def test_nearly_every_mutation_changes_the_file():
    data = b"12 " + np.random.default_rng(0).bytes(500)
    for kind in set(KINDS):
        changed = [kind(np.random.default_rng(i), data)[0] != data for i in range(40)]
        assert sum(changed) > 20, kind.__name__
