"""The original's and the Ascend port's lines: each is parsed as it stands.

test_train.py, test_eval.py and test_prepare.py run them with flags of size and of steps.
"""

import json
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.geonet import lines
from tests.monodepth2.lines import expanded

GEONET = REPOSITORY / "geonet"
PARSED = list(dict.fromkeys(line for pattern in lines.PATTERNS for line in expanded(pattern)))


def program_of(line):
    """(entry point, its words), as the shims hand a line over."""
    script, *words = line.split()[1:]
    if script.startswith("kitti_eval/"):
        mode = script.removeprefix("kitti_eval/").removesuffix(".py")
        return ["eval.py", f"--mode={mode}", *words]
    if script == "geonet_main.py":
        is_training = any(word.startswith("--mode=train_") for word in words)
        script = "train.py" if is_training else "eval.py"
    return [script, *words]


def parse(words):
    """What the programs' own parser makes of command lines: (configurations, output)."""
    text = (
        "import json, sys; from src.model_utils.program import programs; "
        "from src.model_utils.config import load_config; readers = programs('.'); "
        "found = [vars(load_config('config.yaml', line[1:], readers[line[0]], line[0])) "
        "for line in json.load(sys.stdin)]; print(json.dumps(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=GEONET,
        input=json.dumps(words),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *said, found = done.stdout.splitlines()
    return json.loads(found), said


def test_every_line_is_parsed_as_it_stands():
    assert len(PARSED) > 50
    found, said = parse([program_of(line) for line in PARSED])
    ignored = {line.partition(" ")[0] for line in said if "has no effect" in line}
    port = {"num_source", "num_scales", "add_flownet", "add_dispnet", "add_posenet"}
    assert ignored >= port
    port_line = found[PARSED.index(lines.PORT["train"])]
    assert port_line["learning_rate"] == 1e-5 and port_line["max_steps"] == 210100
    assert port_line["train_url"] == "C" and port_line["dataset_dir"] == "T"


def test_defaults_are_the_original_s():
    """A line with every flag at its default says nothing new."""
    full = next(line for line in PARSED if "--num_threads" in line and "train_rigid" in line)
    plain = "python train.py --mode=train_rigid --dataset_dir=T --checkpoint_dir=C"
    (first, second), _ = parse([program_of(full), program_of(plain)])
    assert first == second


@pytest.mark.parametrize("mode", ["", "--mode=test_nothing", "--mode"])
def test_a_mode_is_needed(mode):
    words = [sys.executable, "geonet_main.py", *mode.split()]
    done = subprocess.run(words, cwd=GEONET, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "train_rigid, train_flow" in done.stderr


def test_shims_hand_over():
    for shim in ("eval_pose", "eval_depth", "eval_flow"):
        source = (GEONET / "kitti_eval" / f"{shim}.py").read_text()
        assert f"--mode={shim}" in source and '"eval.py"' in source
    assert not (GEONET / "kitti_eval" / "__init__.py").exists()
