"""The table of models agrees with the models, and the scaling tables with the README."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.scripts.launchers import SCRIPTS

REPOSITORY = SCRIPTS.parent
# Every flag of every row, and what each entry point is, as the launchers themselves see it.
LIST_ROWS = """
import json
from models import MODELS, Pipeline
rows = []
for model, commands in MODELS.items():
    for command, row in commands.items():
        steps = row.steps if isinstance(row, Pipeline) else [
            (row.entry, *row.flags, *(a.flag for a in row.arguments if a.flag))]
        for entry, *words in steps:
            rows.append([model, command, entry, [w for w in words if w.startswith("--")]])
print(json.dumps(rows))
"""


def rows():
    """[model, command, entry point, flags] of the table."""
    command = [sys.executable, "-c", LIST_ROWS]
    done = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)


def keys(model):
    """Keys of a model's config.yaml."""
    sections = yaml.safe_load((REPOSITORY / model / "config.yaml").read_text())
    sections = {name: keys for name, keys in sections.items() if name != "allowed"}
    return {key for section in sections.values() for key in section}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}")
def test_every_flag_is_a_key_of_the_model(row):
    model, _, entry, flags = row
    assert (REPOSITORY / model / entry).is_file()
    unknown = {flag[2:] for flag in flags} - keys(model)
    assert not unknown, f"{model}/config.yaml has no {unknown}"
    assert {"device_target", "run_distribute", "log_steps", "resume"} <= keys(model)


def test_models_have_the_same_commands():
    found = {}
    for model, command, _, _ in rows():
        found.setdefault(model, set()).add(command)
    assert len(set(map(frozenset, found.values()))) == 1, found


def test_readme_shows_what_the_scaling_model_says():
    command = [sys.executable, "scaling.py"]
    done = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in (SCRIPTS / "README.md").read_text()


def test_scaling_of_a_case_by_hand():
    """8 cards: 14/8 of 80 MB at 10 GB/s is 14 ms; beside 14 ms of compute half a step is lost."""
    call = ["--gradients", "80", "--compute", "0.014", "--intra", "10", "--latency", "0"]
    command = [sys.executable, "scaling.py", *call, "--inter", "10", "--batch", "7"]
    done = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    row = done.stdout.splitlines()[2]
    assert "| 14.0 ms | 14.0 ms, 50% lost, 2000 examples/s |" in row
    # 8 servers add 14/8 of the 10 MB that each card holds: 1.75 ms.
    assert "| 15.8 ms, 53% lost," in row


def test_readme_names_every_script():
    text = (SCRIPTS / "README.md").read_text()
    for path in SCRIPTS.glob("*.sh"):
        assert re.search(rf"\b{path.name}\b", text), f"scripts/README.md does not name {path.name}"
