"""CARD_CHECKLIST.md: every command is planned here, every flag is one that its program reads."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from depthnet.src.model_utils.config import load_config
from depthnet.src.model_utils.program import programs
from tests.conftest import REPOSITORY
from tests.scripts.launchers import VARIABLES, make_rank_table

PAGE = REPOSITORY / "scripts" / "CARD_CHECKLIST.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
PROGRAMS = ("train.py", "eval.py", "export.py")
# Stands for the card hosts' Python: notes a program's words, renders nothing, plans launchers.
STAND_IN = f"""#!{sys.executable}
import json, os, sys
words = sys.argv[1:]
if words[0] in {PROGRAMS}:
    with open(os.environ["NOTED"], "a") as file:
        file.write(json.dumps([os.path.basename(os.getcwd()), *words]) + chr(10))
elif words[:2] == ["-m", "tests.synthetic"]:
    from tests.synthetic.__main__ import _parse
    _parse(words[2:])
else:
    if words[1:2] == ["host"]:
        words += ["--server_id", "10.0.0.1", "--device_ips", ",".join(8 * ["10.1.0.1"])]
        words[-1] = ",".join(f"10.1.0.{{n}}" for n in range(8))
    os.execv({sys.executable!r}, [{sys.executable!r}, *words])
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A copy of the repository's folders as links, with what the lines before would have left."""
    root = tmp_path_factory.mktemp("host")
    for name in ("scripts", "tests", "ascend310_infer"):
        (root / name).symlink_to(REPOSITORY / name)
    (root / "depthnet").mkdir()  # no link, which `..` would leave to the real one
    (root / "depthnet" / "src").symlink_to(REPOSITORY / "depthnet" / "src")
    for name in ("NYU/Test", "midas"):
        (root / "out" / "card" / name).mkdir(parents=True)
    for stage in ("Coarse", "Fine"):
        (root / f"Final{stage}Net.mindir").touch()
    for name in ("card-python", ".venv-export/bin/python"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(STAND_IN)
        (root / name).chmod(0o755)
    addresses = ",".join(f"10.2.0.{n}" for n in range(8))
    other = ("host", "--server_id", "10.0.0.2", "--device_ips", addresses)
    make_rank_table(*other, "--output", root / "out" / "card" / "table_of_the_other.json")
    return root


def planned(root, block):
    """What a block prints when launchers only plan, and [folder, program, flag ...] of programs."""
    for line in ("export VERSION=", "bash ascend310_infer/build.sh"):
        block = re.sub(f"^{line}.*$", "", block, flags=re.MULTILINE)
    # The quickstart looks at its words only; the preflight finds no card.
    quick = 'bash scripts/quickstart.sh --mindspore "$VERSION"'
    block = block.replace(quick, '"$PYTHON" -m scripts.quickstart --check')
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    noted = root / "noted.jsonl"
    noted.unlink(missing_ok=True)
    own = {"PYTHON": str(root / "card-python"), "DRY_RUN": "1", "SERVER_ID": "10.0.0.1"}
    own |= {"PYTHONPATH": str(REPOSITORY), "NOTED": str(noted)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=root,
        env={**kept, **own},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    calls = [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []
    return done.stdout, calls


def launched(printed):
    """[folder, program, flag ...] of the programs that a plan starts."""
    for line in printed.splitlines():
        words = shlex.split(line) if line.startswith("cd ") else []
        for at, word in enumerate(words):
            if Path(word).name in PROGRAMS:
                flags = words[at + 1 :]
                end = flags.index(">") if ">" in flags else len(flags)
                yield [Path(words[1]).name, Path(word).name, *flags[:end]]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_commands_can_be_planned(host, number):
    """In turn: the rank table of one block is merged in another."""
    block = BLOCKS[number]
    printed, calls = planned(host, block)
    calls += launched(printed)
    for model, program, *flags in calls:
        folder = REPOSITORY / model
        load_config(folder / "config.yaml", flags, programs(folder)[program], program)
    started = re.findall(r"^(?:\S+=\S+ )*bash scripts/(?:run_|train_).*$", block, re.MULTILINE)
    started = [line for line in started if "run_infer_310" not in line]
    own = re.findall(r"^(?:\S+/bin/python|\"\$PYTHON\") (?:eval|train|export)", block, re.MULTILINE)
    # MindSpore's own start from a rank table is one process for each card.
    assert len(calls) == len(own) + len(started) + 7 * block.count("RANK_TABLE_START=1")


def test_the_lines_are_numbered_and_there_is_one_for_each_finding():
    numbers = [int(number) for number in re.findall(r"^\*\*(\d+)\. ", TEXT, re.MULTILINE)]
    assert numbers == list(range(1, 13))
    lines = re.findall(r"^\*\*\d+\. .*?(?=^\*\*\d+\. |^## )", TEXT, re.MULTILINE | re.DOTALL)
    for line in lines:
        assert re.search(r"(?i)\bmust\b", line) and "Seen then: " in " ".join(line.split()), line
    assert len(lines) == len(numbers)
    rows = re.findall(r"^\| (\d+) .*\| (.+) \| ([\d, ]+) \|$", TEXT, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 12))
    for _, tested, lines in rows:
        for name in re.findall(r"`([\w/]+\.py)`", tested):
            place = REPOSITORY / (name if "/" in name else f"tests/model_utils/{name}")
            place = place if place.exists() else REPOSITORY / "tests/ascend310_infer" / name
            assert place.is_file(), name
        assert set(map(int, lines.split(", "))) <= set(numbers)
