"""A model that exists only as its folder and its row: every script serves it."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.reports import read_report
from tests.scripts.launchers import PROGRAM, SCRIPTS, Launchers
from tests.scripts.test_supervision import wait_for

ROW = '''
"""The row of a made-up model."""

from ..launching import checks
from ..launching.results import final_metrics, speed
from ..launching.table import (
    DEVICE_ID, DEVICE_IDS, DEVICE_NUM, RANKS, TIMED,
    Argument, Model, Pipeline, Quickstart, Row, Serving,
)

VIDEO = Argument("VIDEO", "--video", checks.folder)
TRAIN = ("train.py", "--video", "{data_path}", "--train_url", "{output_path}")
COMMANDS = {
    "train": Row("train.py", (VIDEO, DEVICE_ID)),
    "distribute": Row("train.py", (VIDEO, RANKS)),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, VIDEO)),
    "eval": Row("eval.py", (
        VIDEO, Argument("mono|stereo", words={"mono": ("--eval_mono",), "stereo": ("--two", "2")}),
    )),
    "export": Row("export.py", (Argument("CKPT", "--ckpt", checks.file, required=False),)),
    "full": Pipeline((TRAIN, ("eval.py", "--video", "{data_path}")), final_metrics("m.json")),
    "performance": Pipeline(((*TRAIN, *TIMED),), speed, {"steps": "3200"}),
}
SERVING = Serving(
    (Argument("GRAPH", check=checks.file), Argument("VIDEO", check=checks.folder)),
    ("--bins", "{here}/preprocess_Result"),
    ("--mindir", "{GRAPH}", "--input", "{VIDEO}"),
    ("--height", "{height}"),
    sidecar="GRAPH",
)
STEPS = (("train", "train.py", "--out", "{folder}/x"), ("compare", "eval.py"))
MODEL = Model(COMMANDS, SERVING, {
    "": Quickstart("quickstart_fifth", STEPS, "*.png"),
    "flow": Quickstart("quickstart_fifth_flow", STEPS, "flow/*.png"),
})
'''


@pytest.fixture
def fifth(tmp_path):
    """Launchers of a repository that holds the scripts, the model and its row."""
    repository = tmp_path / "repository"
    shutil.copytree(SCRIPTS, repository / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (repository / "scripts" / "models" / "fifth.py").write_text(ROW)
    (repository / "fifth").mkdir()
    for name in ("train", "eval", "export", "preprocess", "postprocess"):
        (repository / "fifth" / f"{name}.py").write_text(PROGRAM)
    shared = REPOSITORY / "depthnet" / "src" / "model_utils"
    shutil.copytree(shared, repository / "fifth" / "src" / "model_utils")
    launchers = Launchers(tmp_path)
    launchers.models, launchers.scripts = repository, repository / "scripts"
    return launchers


def command_of(fifth, script, *arguments, **options):
    """The words of the only planned process, from the entry point on."""
    ((_, command),) = fifth.dry_run(script, *arguments, **options)[0].values()
    return command[command.index("python") + 1 :] if "python" in command else command[1:]


@pytest.mark.parametrize(
    ("script", "words", "expected"),
    [
        ("run_standalone_train_ascend", "{d} 3", "train.py --video {d} --device_id 3 {ascend}"),
        ("run_standalone_train", "{d} 3", "train.py --video {d} --device_id 3"),
        ("run_train_gpu", "1 5 {d}", "train.py --video {d} {one} --device_id 5 {gpu}"),
        ("run_train_gpu", "2 0,1 {d}", "{m}/train.py --video {d} {all} {gpu}"),
        ("run_distribute_train", "{d} 4", "{m}/train.py --video {d} {all}"),
        ("run_eval", "{d} mono", "eval.py --video {d} --eval_mono"),
        ("run_eval", "{d} stereo --x 1", "eval.py --video {d} --two 2 --x 1"),
        ("run_export", "", "export.py"),
        ("run_export", "{d}/net.ckpt", "export.py --ckpt {d}/net.ckpt"),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_its_row_alone_serves_every_launcher(fifth, data, script, words, expected, inside):
    places = {"d": shlex.quote(str(data)), "m": fifth.models / "fifth"}
    flags = {"ascend": "--device_target Ascend", "gpu": "--device_target GPU"}
    flags |= {"one": "--run_distribute False", "all": "--run_distribute True"}
    words = shlex.split(words.format(**places))
    options = {"cwd": places["m"]} if inside else {}
    command = command_of(fifth, script, *([] if inside else ["fifth"]), *words, **options)
    assert command == shlex.split(expected.format(**places, **flags))


def test_its_pipelines(fifth, data, tmp_path):
    call = ("fifth", f"--data_path={data}")
    jobs, _ = fifth.dry_run("train_full_1p", *call, f"--output_path={tmp_path}/o")
    assert jobs["eval"][1][1:] == ["eval.py", "--video", str(data)]
    command = command_of(fifth, "train_performance_1p", *call)
    expected = ["train.py", "--video", str(data), "--train_url", str(fifth.logs)]
    assert command == [*expected, "--log_steps", "32", "--resume", "none"]
    _, err = fifth.run("train_performance_1p", "fifth", status=2)
    assert "--data_path= [--output_path=] [--steps=3200]" in err
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "m.json").write_text('{"abs_rel": 0.1}')
    out, _ = fifth.run("train_full_1p", *call, f"--output_path={tmp_path}/o")
    assert out.endswith(f"final metrics ({tmp_path}/o/m.json):\n  abs_rel: 0.1\n")


def test_it_runs(fifth, data):
    out, _ = fifth.run("run_eval", "fifth", data, "mono")
    assert "eval of rank 0: exit 0" in out
    record = json.loads((fifth.records / "eval_0.json").read_text())
    assert record["arguments"] == ["--video", str(data), "--eval_mono"]


def test_it_is_in_the_usage_and_checked(fifth, data):
    out, _ = fifth.run("run_eval", "--help")
    assert "  bash scripts/run_eval.sh fifth VIDEO mono|stereo\n" in out
    line = fifth.refuse("run_eval", "fifth", data, "both")
    assert line == "error: mono|stereo: 'both' is not one of mono, stereo"


def test_its_310_inference(fifth, data):
    (data / "net.json").write_text('{"image": {"resize": {"height": 192, "width": 640}}}')
    call = ("run_infer_310", "fifth", data / "net.ckpt", data, 2, "--formats", "png")
    out, _ = fifth.run(*call, "--dry_run", cwd=data, DEVICE_TARGET="CPU")
    lines = out.splitlines()
    assert lines[::2] == ["# build", "# preprocess", "# infer", "# postprocess"]
    planned = [shlex.split(line) for line in lines[1::2]]
    assert planned[1][4:] == ["preprocess.py", "--bins", f"{data}/preprocess_Result"]
    assert planned[1][1] == str(fifth.models / "fifth") and planned[2][1] == str(data)
    expected = ["--mindir", str(data / "net.ckpt"), "--input", str(data), "--device", "CPU"]
    assert planned[2][4:] == [*expected, "--device_id", "2", "--formats", "png"]
    assert planned[3][4:] == ["postprocess.py", "--height", "192"]


def quickstart(fifth, *words):
    command = [sys.executable, "-m", "scripts.quickstart", "fifth", *words]
    environment = fifth.environment()
    return subprocess.run(
        command, cwd=fifth.models, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("word", "folder", "images"),
    [("", "quickstart_fifth", "*.png"), ("flow", "quickstart_fifth_flow", "flow/*.png")],
)
def test_its_quickstarts(fifth, word, folder, images):
    done = quickstart(fifth, *([word] if word else []))
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((fifth.records / "train_0.json").read_text())
    assert record["arguments"] == ["--out", f"{fifth.models}/out/{folder}/x"]
    assert record["cwd"] == f"{fifth.models}/out/{folder}"
    assert f"images: out/{folder}/{images}\n" in done.stdout
    assert "eval of rank 0: exit 0" in done.stdout  # the last step's table
    page = read_report(fifth.models / "out" / folder / "index.html")
    assert page.headings == ["Commands"] and "../../fifth/train.py --out x" in page.text
    assert done.stdout.endswith(f"look at it in a browser: out/{folder}/index.html\n")


def test_a_stopped_quickstart_stops_its_step_and_does_it_again(fifth):
    command = [sys.executable, "-m", "scripts.quickstart", "fifth"]
    environment = fifth.environment(BEHAVIOUR="0:hang")
    process = subprocess.Popen(command, cwd=fifth.models, env=environment, text=True)
    wait_for(fifth.records / "train_0.json.ready")
    process.terminate()
    assert process.wait(timeout=30) == 143
    log = fifth.models / "out" / "quickstart_fifth" / "train.log"
    assert log.read_text().endswith("saved, stopping\n")
    assert "train: done before" not in quickstart(fifth).stdout


def test_a_quickstart_that_it_has_not(fifth):
    done = quickstart(fifth, "pose")
    assert done.returncode == 2
    assert "bash scripts/quickstart.sh fifth flow\n" in done.stderr


def test_without_its_row_nothing_serves_it(fifth, data):
    (fifth.scripts / "models" / "fifth.py").unlink()
    assert "unknown model 'fifth'" in fifth.refuse("run_standalone_train", "fifth", data, 0)
