"""What performance.json says of the host and of a run without figures."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from mindspore.version import __version__

from scripts.launching import performance
from scripts.launching.checks import RunError
from tests.conftest import REPOSITORY


@pytest.fixture
def request_(tmp_path):
    """A finished run of DepthNet of four steps; its metrics.csv is to be written."""
    logs, training = tmp_path / "logs", tmp_path / "out"
    logs.mkdir()
    training.mkdir()
    (training / "config.yaml").write_text("batch_size: 2\n")
    return SimpleNamespace(
        model="depthnet",
        folder=REPOSITORY / "depthnet",
        logs=logs,
        training=training,
        values={"steps": "4"},
        timed=True,
    )


def written(request_, rows):
    """The report of a run with these rows."""
    text = "\n".join(["step,examples_per_s,wait_share", *rows, ""])
    (request_.training / "metrics.csv").write_text(text)
    path = performance.write_performance(request_)
    assert path == request_.logs / "performance.json"
    assert [file.name for file in request_.logs.glob("*.json")] == [path.name]
    return json.loads(path.read_text())


def test_the_host_is_what_the_model_s_preflight_finds(request_):
    """MindSpore's version, and no card here; the repository's revision."""
    (request_.logs / "train.log").write_text(
        "x\ndevice: Ascend 5, rank 0 of 1\ndevice: CPU 0, rank"
    )
    found = written(request_, ["0,1,0", "1,4,0.5", "2,4,0.25"])
    assert found["host"]["mindspore"] == __version__ and found["host"]["kinds"] == []
    assert (found["device_target"], found["device_id"]) == ("Ascend", 5)
    head = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(head, cwd=REPOSITORY, capture_output=True, text=True)
    assert found["revision"] == done.stdout.strip()
    assert (found["s_per_step"], found["examples_per_s"], found["wait_share"]) == (0.5, 4, 0.375)


def test_a_run_of_one_line_has_no_figures(request_):
    found = written(request_, ["0,1,0"])
    assert (found["log_lines"], found["s_per_step"], found["wait_share"]) == (0, None, None)
    assert found["device_target"] is None


def test_rows_after_the_asked_steps_count_only_where_nothing_else_ends_the_run(request_):
    rows = [f"{step},{rate},0" for step, rate in enumerate([1, 2, 2, 2, 200, 200])]
    assert written(request_, rows)["s_per_step"] == 1
    request_.timed = False
    assert written(request_, rows)["log_lines"] == 5


def test_damaged_rows_leave_no_report(request_):
    with pytest.raises(RunError, match="damaged, no wait_share"):
        written(request_, ["0,1,0", "1,4,x"])
    assert not list(request_.logs.iterdir())


def test_what_cannot_be_asked_is_left_out(request_, tmp_path, monkeypatch):
    """A model without a preflight, or with one that breaks; no git here."""
    monkeypatch.setenv("PATH", "")
    request_.folder = tmp_path
    assert written(request_, ["0,1,0"])["host"] is None
    (tmp_path / "src" / "model_utils").mkdir(parents=True)
    (tmp_path / "src" / "model_utils" / "host.py").write_text("print('{}')\nraise SystemExit(1)\n")
    found = written(request_, ["0,1,0"])
    assert (found["host"], found["revision"]) == (None, "")
