"""GeoNet's whole-card pipelines with programs that take no time: commands, files, ends.

The Ascend port's readme runs `bash ./test/train_full_1p.sh --data_path=... --output_path=...`.
"""

import json

import pytest

# Note their arguments, print the original's lines and end as FAIL asks: "train:3" with status 3.
STAND_IN = """
import json, os, sys
from pathlib import Path
words = sys.argv[1:]
flag = dict(zip(words[::2], words[1::2]))
mode = flag["--mode"]
place = Path(os.environ["RECORDS"]) / f"{mode}.json"
place.write_text(json.dumps(words))
stage, _, status = os.environ.get("FAIL", "").partition(":")
if stage == mode:
    sys.exit(int(status))
if mode == "train_rigid":
    folder, steps = Path(flag["--train_url"]), int(flag["--max_steps"])
    folder.mkdir(parents=True, exist_ok=True)
    every, last = int(flag["--log_steps"]), int(os.environ.get("STOP", steps - 1))
    for step in range(every, last + 1, every):
        line = f"Iteration: [{step:7d}] | Time: 0.{step:04}s/iter | Loss: {step}.500"
        print(f"{line}  (9 examples/s)")
    (folder / "config.yaml").write_text("batch_size: 4\\n")
    rows = [f"{step},8,0.25" for step in range(0, last + 1, every)]
    (folder / "metrics.csv").write_text("\\n".join(["step,examples_per_s,wait_share", *rows, ""]))
    (folder / f"model-{last}.ckpt").touch()
if mode == "eval_pose" and stage != "silent":
    print("Predictions dir: P\\nATE mean: 0.0123, std: 0.0045")
"""


@pytest.fixture
def pipelines(launchers):
    """Launchers whose GeoNet is the stand-in."""
    for name in ("train", "eval"):
        (launchers.models / "geonet" / f"{name}.py").write_text(STAND_IN)
    return launchers


@pytest.fixture
def tree(tmp_path):
    """The port's data tree, empty."""
    for name in ("train", "test", "eval/09_snippets"):
        (tmp_path / "D" / "stageone" / name).mkdir(parents=True)
    return tmp_path / "D"


def arguments(pipelines, mode):
    """What the program of a mode was called with."""
    words = json.loads((pipelines.records / f"{mode}.json").read_text())
    return dict(zip(words[::2], words[1::2]))


def test_performance_leaves_what_the_port_s_leaves(pipelines, tree, tmp_path):
    """10 steps are logged one by one, 9 of them: mean 0.0005; 4 / 0.0005 = 8000."""
    out, _ = pipelines.run(
        *("train_performance_1p", "geonet", f"--data_path={tree}"),
        *(f"--output_path={tmp_path}/O", "--train_steps=10", "--amp_level", "O0"),
        LOG_DIR="",
    )
    assert arguments(pipelines, "train_rigid") == {
        "--mode": "train_rigid",
        "--learning_rate": "0.00001",
        "--seq_length": "3",
        "--batch_size": "4",
        "--dataset_dir": f"{tree}/stageone/train",
        "--max_steps": "10",
        "--log_steps": "1",
        "--device_id": "0",
        "--train_url": f"{tmp_path}/O/ckpt",
        "--amp_level": "O0",
    }
    shown = out.splitlines()
    assert shown[-7] == "mean of all 9 log lines; the time of the first includes compilation"
    assert shown[-4:-2] == [
        "Final Performance images/sec : 8000.00",
        "Final Performance sec/step : 0.0005",
    ]
    assert shown[-2] in [f"E2E Training Duration sec : {n}" for n in range(9)]
    assert shown[-1] == "Final Train Accuracy : "
    files = {path.name for path in (tmp_path / "O").iterdir()}
    case = "geonet_bs4_1p_perf"
    ours = {"ckpt", "status", "train_0.log", "performance.json"}
    assert files == {*ours, f"{case}.log", f"{case}_loss.txt"}
    found = json.loads((tmp_path / "O" / "performance.json").read_text())
    assert (found["model"], found["steps"], found["log_lines"]) == ("geonet", 10, 9)
    assert (found["s_per_step"], found["wait_share"]) == (0.5, 0.25)
    assert (tmp_path / "O" / f"{case}_loss.txt").read_text().split()[::8] == ["1.500", "9.500"]
    assert "TrainAccuracy" not in (tmp_path / "O" / f"{case}.log").read_text()


def test_full_tests_and_evaluates_the_newest_weights(pipelines, tree, tmp_path):
    older = tmp_path / "O" / "ckpt" / "pose_depth" / "model-99999.ckpt"
    older.parent.mkdir(parents=True)
    older.touch()
    out, _ = pipelines.run(
        *("train_full_1p", "geonet", "--data_path", tree, "--output_path", tmp_path / "O"),
        *("--max_steps", 7000, "--batch_size=2", "--device_id=1", "--seq_length=5"),
        LOG_DIR="",
    )
    trained = arguments(pipelines, "train_rigid")
    assert trained["--log_steps"] == "100" and trained["--batch_size"] == "2"
    snippets = {"--gtruth_dir": f"{tree}/stageone/eval/09_snippets"}
    poses = f"{tmp_path}/O/pose_depth/7000"
    assert arguments(pipelines, "eval_pose") == {
        "--mode": "eval_pose",
        "--pred_dir": poses,
        **snippets,
    }
    assert arguments(pipelines, "test_pose") == {
        "--mode": "test_pose",
        "--dataset_dir": f"{tree}/stageone/test",
        "--init_ckpt_file": f"{tmp_path}/O/ckpt/pose_depth/model-6999.ckpt",
        "--batch_size": "1",
        "--seq_length": "5",
        "--pose_test_seq": "9",
        "--output_dir": poses,
        "--device_id": "1",
    }
    # 69 lines, of which the last 50 are 0.2000 to 0.6900: mean 0.445.
    shown = out.splitlines()
    assert shown[-7] == "mean of the last 50 of 69 log lines"
    assert shown[-4:-2] == [
        "Final Performance images/sec : 4.49",
        "Final Performance sec/step : 0.445",
    ]
    assert shown[-1] == "Final Train Accuracy : 0.0123, 0.0045"
    case, logs = "geonet_bs2_1p_acc", {"train_1.log", "test_1.log", "eval_1.log"}
    files = {path.name for path in (tmp_path / "O").glob("*.*")}
    assert files == {*logs, f"{case}.log", f"{case}_loss.txt"}
    written = (tmp_path / "O" / f"{case}.log").read_text().splitlines()
    assert written[0] == "Network = geonet" and written[-1] == "TrainAccuracy = 0.0123, 0.0045"
    assert "ATE mean: 0.0123" in (tmp_path / "O" / "eval_1.log").read_text()


@pytest.mark.parametrize("script", ["train_performance_1p", "train_full_1p"])
def test_without_output_path_all_is_in_the_log_folder(pipelines, tree, script):
    call = (script, "geonet", f"--data_path={tree}", "--steps=5", "--batch_size=2")
    pipelines.run(*call, LOG_DIR="")
    (logs,) = (pipelines.models / "geonet" / "logs").iterdir()
    assert logs.name.startswith(f"{script}-")
    kind = "perf" if "performance" in script else "acc"
    expected = {f"geonet_bs2_1p_{kind}.log", f"geonet_bs2_1p_{kind}_loss.txt", "train_0.log"}
    assert expected <= {path.name for path in logs.iterdir()}
    below = "" if "performance" in script else "/pose_depth"
    assert arguments(pipelines, "train_rigid")["--train_url"] == f"{logs}/ckpt{below}"


def test_log_dir_wins_for_logs_and_results(pipelines, tree, tmp_path):
    call = ("train_full_1p", "geonet", f"--data_path={tree}", f"--output_path={tmp_path}/O")
    pipelines.run(*call, "--steps=5")
    results = {"geonet_bs4_1p_acc.log", "geonet_bs4_1p_acc_loss.txt"}
    logs = {"train_0.log", "test_0.log", "eval_0.log", "status"}
    assert {path.name for path in pipelines.logs.iterdir()} == results | logs
    assert {path.name for path in (tmp_path / "O").iterdir()} == {"ckpt"}


@pytest.mark.parametrize(
    ("variables", "status", "message"),
    [
        ({"FAIL": "train_rigid:3"}, 3, "train failed with exit status 3"),
        ({"FAIL": "test_pose:4"}, 4, "test_pose failed with exit status 4"),
        ({"FAIL": "eval_pose:2"}, 2, "eval_pose failed with exit status 2"),
        ({"FAIL": "silent:0"}, 1, "eval_0.log has no line with the accuracy"),
        ({"STOP": "4"}, 1, "train_0.log: the training stopped after step 4 of 9"),
        ({"STOP": "0"}, 1, "train_0.log has no line 'Iteration: ... s/iter'"),
    ],
)
def test_a_run_that_fails_leaves_no_result(pipelines, tree, tmp_path, variables, status, message):
    """Not even that of the run before it into the same folder."""
    call = ("train_full_1p", "geonet", f"--data_path={tree}", f"--output_path={tmp_path}/O")
    pipelines.run(*call, "--steps=9", LOG_DIR="")
    assert (tmp_path / "O" / "geonet_bs4_1p_acc.log").exists()
    out, err = pipelines.run(*call, "--steps=9", status=status, LOG_DIR="", **variables)
    assert message in err and "Traceback" not in err and "Final" not in out
    assert not [*(tmp_path / "O").glob("geonet*")]
    assert (tmp_path / "O" / "status").read_text() == f"{status}\n"
    evaluated = variables.get("FAIL", "") not in ("train_rigid:3", "test_pose:4")
    assert (tmp_path / "O" / "eval_0.log").exists() == evaluated


def test_the_port_s_variable_names_the_card(pipelines, tree):
    call = ("train_performance_1p", "geonet", f"--data_path={tree}")
    jobs, _ = pipelines.dry_run(*call, ASCEND_DEVICE_ID=6)
    words = jobs["train"][1]
    assert words[words.index("--device_id") + 1] == "6"
    line = pipelines.refuse(*call, ASCEND_DEVICE_ID="six")
    assert line == "error: --device_id: 'six' is not a number (0, 1, ...)"


@pytest.mark.parametrize(
    ("steps", "every"), [(None, 100), (6400, 100), (3199, 99), (64, 2), (63, 1), (2, 1)]
)
def test_a_short_run_logs_more_often(pipelines, tree, steps, every):
    given = [] if steps is None else [f"--steps={steps}"]
    jobs, _ = pipelines.dry_run("train_performance_1p", "geonet", f"--data_path={tree}", *given)
    words = jobs["train"][1]
    assert words[words.index("--log_steps") + 1] == str(every)
    assert words[words.index("--max_steps") + 1] == str(steps or 3200)
    jobs, _ = pipelines.dry_run("train_full_1p", "geonet", f"--data_path={tree}")
    assert "185100" in jobs["train"][1] and "100" in jobs["train"][1]


@pytest.mark.parametrize(
    ("script", "gone", "expected"),
    [
        ("train_performance_1p", "train", "stageone/train"),
        ("train_full_1p", "test", "stageone/test"),
        ("train_full_1p", "eval/09_snippets", "stageone/eval/09_snippets"),
    ],
)
def test_a_tree_that_lacks_a_folder_is_refused_before_hours_of_training(
    pipelines, tree, script, gone, expected
):
    (tree / "stageone" / gone).rmdir()
    line = pipelines.refuse(script, "geonet", f"--data_path={tree}")
    assert line == f"error: --data_path: {tree}/{expected} is not a folder"


def test_a_second_run_into_the_same_folder_is_taken(pipelines, tree, tmp_path):
    """Speed comes from the log, which is new; metrics.csv may be there."""
    call = ("train_performance_1p", "geonet", f"--data_path={tree}")
    call = (*call, f"--output_path={tmp_path}/O", "--steps=5")
    (tmp_path / "O" / "ckpt").mkdir(parents=True)
    rows = "0,1.0,4\n" * 200
    (tmp_path / "O" / "ckpt" / "metrics.csv").write_text(f"step,loss,examples_per_s\n{rows}")
    for _ in range(2):
        out, _ = pipelines.run(*call, LOG_DIR="")
        assert out.count("Iteration:") == 4


def test_the_usage_names_the_options(pipelines):
    for script, steps in (("train_full_1p", 185100), ("train_performance_1p", 3200)):
        _, err = pipelines.run(script, "geonet", status=2)
        options = f"[--output_path=] [--steps={steps}] [--batch_size=4] [--seq_length=3]"
        usage = f"usage: bash scripts/{script}.sh geonet --data_path= {options} [--device_id=0]"
        assert err.splitlines() == ["error: --data_path= is missing", usage]
