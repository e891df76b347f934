"""The stages of the 310 inference, called directly; nothing is built and no graph is run.

tests/ascend310_infer has the script itself and the program.
"""

import json
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from scripts.launching.checks import UsageError
from scripts.serving import __main__ as program
from scripts.serving.__main__ import main, make_plan, run_stage, sidecar_size

MIDAS = "bash scripts/run_infer_310.sh midas MODEL_PATH DATA_PATH DATASET_NAME"
MONODEPTH2 = "bash scripts/run_infer_310.sh monodepth2 MINDIR DATA_PATH"
GEONET = "bash scripts/run_infer_310.sh geonet MINDIR DATA_PATH"
DEPTHNET = "bash scripts/run_infer_310.sh depthnet MINDIR1 MINDIR2 DATA_PATH"
SIDECAR = {"image": {"resize": {"height": 384, "width": 672}}}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The caller's folder with a graph, its sidecar and a data set."""
    for name in ("DEVICE_TARGET", "DRY_RUN", "ZOO_MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "net.mindir").touch()
    (tmp_path / "net.json").write_text(json.dumps(SIDECAR))
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_usage_is_the_header_and_a_line_for_each_model(here, capsys):
    header = (program.ROOT / "scripts" / "run_infer_310.sh").read_text().splitlines()
    for words in (["-h"], ["--help"], ["--help", "midas"]):
        assert main(["x", *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == header[1].removeprefix("# ") and lines[-5] == "Arguments:"
        models = (DEPTHNET, GEONET, MIDAS, MONODEPTH2)
        assert lines[-4:] == [f"  {line} [DEVICE_ID] [FLAG ...]" for line in models]


def test_a_mistake_is_told_with_the_usage_of_the_named_model_else_of_all(here, capsys):
    models = (DEPTHNET, GEONET, MIDAS, MONODEPTH2)
    usages = [f"usage: {line} [DEVICE_ID] [FLAG ...]" for line in models]
    assert main(["x", "midas", "net.mindir"]) == 2
    out, err = capsys.readouterr()
    assert not out and err.splitlines() == ["error: midas needs DATA_PATH", usages[2]]
    assert main(["x"]) == 2
    error = "error: unknown model ''; the models are depthnet, geonet, midas, monodepth2"
    assert capsys.readouterr().err.splitlines() == [error, *usages]


def test_the_plan_of_depthnet_on_the_first_card(here):
    net, data = f"{here}/net.mindir", f"{here}/data"
    plan = make_plan("depthnet", ["net.mindir", "net.mindir", "data"], ["--formats", "png"], here)
    folder = program.ROOT / "depthnet"
    infer = program.ROOT / "ascend310_infer"
    bins = f"{here}/preprocess_Result"
    python = sys.executable
    assert [(name, shlex.join(command), where) for name, command, where in plan] == [
        ("build", f"bash {infer}/build.sh", here),
        (
            "preprocess",
            f"{python} preprocess.py --dataset_path {data} --output_path {bins}",
            folder,
        ),
        (
            "infer",
            f"{infer}/build/main --mindir {net} --fine_mindir {net} --input {bins}/img_data"
            " --device Ascend310 --device_id 0 --formats png",
            here,
        ),
        (
            "postprocess",
            f"{python} postprocess.py --result_path {here}/result_Files"
            f" --label_file {bins}/label --acc_log {here}/acc.log",
            folder,
        ),
    ]


def test_the_plan_of_geonet(here):
    """Both programs are told the graph, whose sidecar says what is scored."""
    plan = make_plan("geonet", ["net.mindir", "data", "2"], [], here)
    given = ["--dataset_dir", f"{here}/data", "--mindir", f"{here}/net.mindir"]
    bins = f"{here}/preprocess_Result"
    assert plan[1][1][1:] == ["preprocess.py", *given, "--bin_path", bins]
    assert plan[2][1][1:] == [
        *("--mindir", f"{here}/net.mindir", "--input", bins, "--device", "Ascend310"),
        *("--device_id", "2"),
    ]
    results = ["--result_path", f"{here}/result_Files", "--result_file", f"{here}/result_val.json"]
    assert plan[3][1][1:] == ["postprocess.py", *given, *results]


def test_the_device_and_its_number_are_taken(here, monkeypatch):
    monkeypatch.setenv("DEVICE_TARGET", "Ascend310P")
    given = ["net.mindir", "net.mindir", "data", "3"]
    command = make_plan("depthnet", given, [], here)[2][1]
    assert command[-4:] == ["--device", "Ascend310P", "--device_id", "3"]
    monkeypatch.setenv("DEVICE_TARGET", "GPU")
    with pytest.raises(UsageError, match="'GPU' is not one of Ascend310, Ascend310P, CPU"):
        make_plan("depthnet", given, [], here)


def test_the_images_have_the_size_of_the_graph(here):
    plan = make_plan("midas", ["net.mindir", "data", "TUM"], [], here)
    for _, command, _ in (plan[1], plan[3]):
        size = command.index("--img_height")
        assert command[size : size + 4] == ["--img_height", "384", "--img_width", "672"]
    assert "--img_height" not in plan[2][1]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        '{"image": {"resize": null}}',
        '{"image": {"resize": {"height": 1}}}',
        '{"image": {"resize": {"height": 1, "width": "w"}}}',
        '{"image": {"resize": {"height": 1, "width": 1e999}}}',
    ],
)
def test_a_sidecar_that_does_not_say_the_size(tmp_path, text):
    sidecar = tmp_path / "net.json"
    if text is not None:
        sidecar.write_text(text)
    with pytest.raises(UsageError) as caught:
        sidecar_size(tmp_path / "net.mindir")
    assert str(caught.value) == f"{sidecar} is missing or broken; export.py writes it"


@pytest.fixture
def stages(here, monkeypatch):
    """Stages in place of the real ones: set {name: exit status}; the list of what was run."""
    statuses, ran = {}, []

    def plan(*_):
        return [(name, ["bash", "-c", name], here) for name in ("build", "infer", "postprocess")]

    def run(name, command, folder):
        ran.append(name)
        return statuses.get(name, 0)

    monkeypatch.setattr(program, "make_plan", plan)
    monkeypatch.setattr(program, "run_stage", run)
    return statuses, ran


def test_the_stages_run_in_turn_after_old_results_are_gone(here, capsys, stages):
    old = ["acc.log", "result_val.json", "result_Files/a.bin", "preprocess_Result/b/c.bin"]
    for name in old:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    (here / "preprocess_Result" / "b" / "d").mkdir()  # empty, inside of one that becomes so
    (here / "result_Files" / "notes.txt").touch()
    assert main(["x", "midas"]) == 0
    assert stages[1] == ["build", "infer", "postprocess"]
    assert capsys.readouterr().out == f"done: {here}/acc.log\n"
    assert not any((here / name).exists() for name in old)
    assert (here / "result_Files" / "notes.txt").exists()
    assert list((here / "preprocess_Result").iterdir()) == []


def test_the_first_stage_that_fails_is_the_last(here, capsys, stages):
    stages[0]["infer"] = 7
    assert main(["x", "midas"]) == 7
    assert stages[1] == ["build", "infer"] and "done" not in capsys.readouterr().out


def test_a_dry_run_prints_the_stages_and_leaves_everything(here, capsys, stages):
    (here / "acc.log").touch()
    assert main(["x", "midas", "--dry_run"]) == 0
    line = f"cd {here} && bash -c "
    assert capsys.readouterr().out.splitlines() == [
        *("# build", f"{line}build", "# infer", f"{line}infer"),
        *("# postprocess", f"{line}postprocess"),
    ]
    assert not stages[1] and (here / "acc.log").exists()


def test_a_stage_has_a_log_and_a_folder(here, capsys):
    (here / "acc.log").write_text("0.5\n")
    command = ["bash", "-c", "pwd; echo error >&2; cat; exit 0"]
    for name in ("preprocess", "postprocess"):
        assert run_stage(name, command, here / "data") == 0
        assert (here / f"{name}.log").read_text() == f"{here}/data\nerror\n"
    assert capsys.readouterr() == ("preprocess ...\npostprocess ...\n", "")
    assert (here / "acc.log").read_text() == "0.5\n"  # the program has written it itself


def test_what_the_scores_print_is_acc_log_unless_there_is_one(here):
    run_stage("preprocess", ["echo", "no scores"], here)
    assert not (here / "acc.log").exists()
    run_stage("postprocess", ["echo", "scores"], here)
    assert (here / "acc.log").read_text() == "scores\n"


@pytest.mark.parametrize(
    ("end", "status", "code"), [("exit 1", 1, 1), ("exit 2", 2, 2), ("kill -9 $$", 137, -9)]
)
def test_a_failed_stage_shows_the_last_15_lines_of_its_log(here, capsys, end, status, code):
    command = ["bash", "-c", f"printf 'line %d\\n' {{1..30}}; printf '\\xff\\n'; {end}"]
    assert run_stage("postprocess", command, here) == status
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        *(f"line {number}" for number in range(17, 31)),
        "\ufffd",
        f"error: postprocess ended with {code}; see {here}/postprocess.log",
    ]
    assert not (here / "acc.log").exists()


def test_the_name_of_a_stage_is_there_before_it_ends(here, written_before):
    """To build takes a minute; in a pipe or a file Python would keep the line to itself."""
    written = written_before("run")
    run_stage("build", ["true"], here)
    assert written == [b"build ...\n"]


def test_it_runs_in_the_caller_s_folder(here, capsys, monkeypatch):
    monkeypatch.chdir("/")
    words = [str(here), "run_infer_310.sh", "midas", "net.mindir", "data", "TUM", "--dry_run"]
    monkeypatch.setattr(sys, "argv", ["program", *words])
    monkeypatch.delitem(sys.modules, "scripts.serving.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("scripts.serving", run_name="__main__")
    assert caught.value.code == 0 and Path.cwd() == here
    assert f"--dataset_path {here}/data" in capsys.readouterr().out
