"""One process as it is started and as it is printed, and the command line of msrun."""

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.launching import msrun_job
from scripts.launching.checks import UsageError
from scripts.launching.jobs import Job
from scripts.launching.msrun_job import connect_timeout, msrun, target_flags

FOLDER = Path("/models/depthnet")


def job(*command, **options):
    return Job("train", command, FOLDER, FOLDER / "train.log", **options)


def test_a_plain_word_is_passed_on(tmp_path):
    assert job("python", "train.py", "--x", "newest").words() == [
        *("python", "train.py", "--x", "newest")
    ]


def test_newest_is_the_file_written_last(tmp_path):
    for age, name in enumerate(["c.ckpt", "a.ckpt", "b.ckpt", "z.txt"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    assert job("eval.py", f"newest:{tmp_path}/*.ckpt").words() == ["eval.py", f"{tmp_path}/b.ckpt"]
    os.utime(tmp_path / "c.ckpt", (2000, 2000))
    assert job(f"newest:{tmp_path}/*.ckpt").words() == [f"{tmp_path}/c.ckpt"]


def test_newest_of_none_is_an_error(tmp_path):
    with pytest.raises(UsageError) as caught:
        job(f"newest:{tmp_path}/*.ckpt").words()
    message = f"no file {tmp_path}/*.ckpt, which the training should have written"
    assert str(caught.value) == message


def test_a_process_inherits_the_environment_without_another_launcher_s(monkeypatch):
    monkeypatch.setenv("RANK_ID", "7")
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("MS_BUILD", "1")
    monkeypatch.setenv("PATH", "/usr/bin")
    environment = job("x").environment()
    assert "RANK_ID" not in environment and "MS_ROLE" not in environment
    assert environment["MS_BUILD"] == environment["PYTHONUNBUFFERED"] == "1"
    assert environment["PATH"] == "/usr/bin"
    own = job("x", env={"RANK_ID": "0", "MS_BUILD": "2"}, path="/venv/bin").environment()
    assert (own["RANK_ID"], own["MS_BUILD"], own["PATH"]) == ("0", "2", "/venv/bin:/usr/bin")


def test_a_process_as_a_line_of_bash():
    assert job("python", "a b.py").shell_line() == (
        "cd /models/depthnet && python 'a b.py' > /models/depthnet/train.log 2>&1"
    )
    shown = job("python", env={"A": "1 2"}, path="/my venv").shell_line()
    assert shown.startswith("cd /models/depthnet && env A='1 2' PATH='/my venv':\"$PATH\" python >")
    assert " env PATH=/v:" in job("x", path="/v").shell_line()
    assert job("x").hosts == 1  # msrun of one host: its scheduler may be ended with the run


def test_a_job_cannot_be_changed():
    """The plan that was printed is the one that runs."""
    with pytest.raises(FrozenInstanceError):
        job("x").command = ("y",)


def request(**changes):
    """What msrun_job reads of a Request."""
    fields = {"target": "", "flags": ["--data_url", "d"], "extras": ["--batch_size", "4"]}
    fields |= {"folder": FOLDER, "row": SimpleNamespace(entry="train.py"), "logs": Path("/logs")}
    return SimpleNamespace(**{**fields, "dry_run": True, **changes})


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("MASTER_PORT", "HCCL_CONNECT_TIMEOUT", "MS_CPU_COMM_OP_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


def options(command):
    """The --key=value words of msrun itself."""
    return dict(word[2:].split("=", 1) for word in command if word.startswith("--") and "=" in word)


def test_the_target_is_named_where_it_is_known():
    assert target_flags(request(target="GPU")) == ["--device_target", "GPU"]
    assert target_flags(request()) == []


def test_msrun_of_one_host():
    started = msrun(request(target="CPU"), 3, env={"A": "1"})
    given = options(started.command)
    assert 1024 <= int(given.pop("master_port")) <= 65535
    assert given == {
        "worker_num": "3",
        "local_worker_num": "3",
        "master_addr": "127.0.0.1",
        "node_rank": "0",
        "log_dir": "/logs",
        "worker_log_name": "rank",
        "tail_worker_log": "0",
        "join": "True",
    }
    script = started.command.index("--join=True") + 1
    assert started.command[script] in ("python", "python3")
    assert list(started.command[script + 1 :]) == [
        *("/models/depthnet/train.py", "--data_url", "d", "--run_distribute", "True"),
        *("--device_target", "CPU", "--batch_size", "4"),
    ]
    assert (started.name, started.folder, started.log) == ("msrun", FOLDER, Path("/logs/msrun.log"))
    assert started.rank_logs == {rank: Path(f"/logs/rank_{rank}.log") for rank in (0, 1, 2)}
    assert started.env == {"A": "1", "MS_CPU_COMM_OP_TIMEOUT": "1800"}
    assert started.hosts == 1 and started.path == str(Path(sys.executable).parent)


def test_msrun_of_the_last_of_three_hosts():
    started = msrun(request(), 4, hosts=3, node=2, master="10.0.0.1")
    given = options(started.command)
    assert given["worker_num"] == "12" and given["local_worker_num"] == "4"
    assert given["node_rank"] == "2" and given["tail_worker_log"] == "8"
    # Every host must know the port, so that a free one of this host will not do.
    assert given["master_addr"] == "10.0.0.1" and given["master_port"] == "8118"
    assert started.rank_logs == {r: Path(f"/logs/rank_{r}.log") for r in (8, 9, 10, 11)}
    assert started.hosts == 3


def test_two_runs_on_one_host_have_two_ports():
    ports = {options(msrun(request(), 2).command)["master_port"] for _ in range(2)}
    assert len(ports) == 2


def test_two_hosts_are_several():
    assert options(msrun(request(), 1, hosts=2).command)["master_port"] == "8118"


def test_timeouts_by_target(monkeypatch):
    assert msrun(request(target="Ascend"), 2).env == {"HCCL_CONNECT_TIMEOUT": "600"}
    monkeypatch.setenv("MS_CPU_COMM_OP_TIMEOUT", "77")
    assert msrun(request(), 2).env == {"MS_CPU_COMM_OP_TIMEOUT": "77"}


def test_hccl_s_limits_of_the_connection_time(monkeypatch):
    for good in ("120", "7200"):
        monkeypatch.setenv("HCCL_CONNECT_TIMEOUT", good)
        assert connect_timeout() == good
    for bad in ("119", "7201", "long", "-600"):
        monkeypatch.setenv("HCCL_CONNECT_TIMEOUT", bad)
        with pytest.raises(UsageError, match=f"TIMEOUT={bad}: must be 120 to 7200"):
            connect_timeout()


def test_a_named_port_counts_where_a_user_may_take_it(monkeypatch):
    for good in ("1024", "65535"):
        monkeypatch.setenv("MASTER_PORT", good)
        for hosts in (1, 2):
            assert options(msrun(request(), 2, hosts=hosts).command)["master_port"] == good
    for bad in ("1023", "65536", "http"):
        monkeypatch.setenv("MASTER_PORT", bad)
        with pytest.raises(UsageError, match=f"^MASTER_PORT={bad}: must be 1024 to 65535$"):
            msrun(request(), 2)


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """venv(*names): an interpreter's folder with these programs, the interpreter python3.11."""
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(*names):
        (folder / "python3.11").touch()
        for name in names:
            if name.startswith("python"):
                (folder / name).symlink_to("python3.11")
            else:
                program(folder / name)
        monkeypatch.setattr(msrun_job.sys, "executable", str(folder / "python3.11"))
        return folder

    return make


def program(path):
    path.touch()
    path.chmod(0o755)


def programs(started):
    """msrun and the interpreter that it starts."""
    return started.command[0], started.command[started.command.index("--join=True") + 1]


def test_msrun_beside_the_interpreter_wins(venv, tmp_path):
    folder = venv("msrun", "python3", "python")
    for elsewhere in (False, True):
        if elsewhere:
            program(tmp_path / "elsewhere" / "msrun")
        assert programs(msrun(request(), 2)) == (f"{folder}/msrun", "python")


def test_else_msrun_comes_from_the_path(venv, tmp_path):
    venv("python3")
    program(tmp_path / "elsewhere" / "msrun")
    found = programs(msrun(request(dry_run=False), 2))
    assert found == (f"{tmp_path}/elsewhere/msrun", "python3")


def test_without_msrun_only_a_dry_run_goes_on(venv):
    venv("python")
    assert programs(msrun(request(), 2)) == ("msrun", "python")
    with pytest.raises(UsageError, match="^no msrun beside .*/bin/python3.11; install MindSpore"):
        msrun(request(dry_run=False), 2)


def test_msrun_needs_a_python_that_is_this_one(venv):
    folder = venv("msrun")
    (folder / "python").touch()  # another one
    with pytest.raises(UsageError, match=f"^{folder} has no `python`, which msrun starts"):
        msrun(request(), 2)


def test_a_line_of_bash_does_what_the_process_does(tmp_path):
    """Printed by a dry run, it may be pasted."""
    text = "import os; print(os.environ['A'], os.getcwd())"
    shown = Job("x", (sys.executable, "-c", text), tmp_path, tmp_path / "log", {"A": "b c"})
    subprocess.run(["bash", "-c", shown.shell_line()], check=True)
    assert (tmp_path / "log").read_text() == f"b c {tmp_path}\n"
