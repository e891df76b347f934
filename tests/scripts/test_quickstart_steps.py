"""quickstart.sh: usage, steps that are skipped when done, and their progress."""

import io
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from scripts.models import MODELS
from scripts.quickstart import steps as steps_module
from scripts.quickstart.progress import Progress
from scripts.quickstart.steps import Steps, command, seconds_of, short
from tests.conftest import REPOSITORY
from tests.scripts.launchers import SCRIPTS


@pytest.mark.parametrize("words", [["nonsense"], ["depthnet", "extra"], ["depthnet", "", "extra"]])
def test_wrong_arguments_print_the_usage_before_anything_is_installed(tmp_path, words):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("quickstart", "launching", "models"):
        (scripts / name).symlink_to(SCRIPTS / name)
    shutil.copy(SCRIPTS / "quickstart.sh", scripts)
    (scripts / "make_venv.sh").write_text("exit 9\n")
    command = ["bash", str(scripts / "quickstart.sh"), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "usage: bash scripts/quickstart.sh" in done.stderr


def test_another_mindspore_gets_an_environment_of_its_own(tmp_path):
    """Made for that version, and its Python runs the steps, with the other words."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("quickstart", "launching", "models"):
        (scripts / name).symlink_to(SCRIPTS / name)
    shutil.copy(SCRIPTS / "quickstart.sh", scripts)
    made = tmp_path / ".venv-mindspore-2.8.0" / "bin"
    (scripts / "make_venv.sh").write_text(
        f'echo "made for $*"\nmkdir -p {made}\necho \'echo "$@"\' >{made}/python\n'
        f"chmod +x {made}/python\n"
    )
    words = ["--mindspore", "2.8.0", "geonet", "flow"]
    command = ["bash", str(scripts / "quickstart.sh"), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "made for --mindspore 2.8.0",
        "-m scripts.quickstart geonet flow",
    ]


def test_a_step_sees_the_repository_and_what_was_on_the_path_before(tmp_path, monkeypatch):
    """With a card CANN's te and hccl are there."""
    show = [sys.executable, "-c", "import os; print(os.environ['PYTHONPATH'])"]
    monkeypatch.setenv("PYTHONPATH", "/cann/python/site-packages")
    Steps(tmp_path).run("one", *show)
    assert (tmp_path / "one.log").read_text() == f"{REPOSITORY}:/cann/python/site-packages\n"
    monkeypatch.delenv("PYTHONPATH")
    Steps(tmp_path).run("two", *show)
    assert (tmp_path / "two.log").read_text() == f"{REPOSITORY}\n"


def append(text):
    return [sys.executable, "-c", f"open('trace', 'a').write('{text}'); print('did {text}')"]


def test_steps_run_once_and_again_when_something_before_them_changed(tmp_path, capsys):
    for second in ("b", "b", "c"):
        steps = Steps(tmp_path)
        steps.run("one", *append("a"))
        steps.run("two", *append(second))
        steps.run("three", *append("z"))
    assert (tmp_path / "trace").read_text() == "abz" + "" + "cz"
    assert capsys.readouterr().out.count("done before") == 4
    assert (tmp_path / "two.log").read_text() == "did c\n"


def test_it_is_remembered_how_long_a_step_took(tmp_path):
    Steps(tmp_path).run("one", sys.executable, "-c", "import time; time.sleep(0.3)")
    took = seconds_of(tmp_path, "one")
    assert 0.3 <= took < 60 and seconds_of(tmp_path, "two") is None
    Steps(tmp_path).run("one", sys.executable, "-c", "import time; time.sleep(0.3)")
    assert seconds_of(tmp_path, "one") == took  # done before
    (tmp_path / ".done-old").write_text("digest")  # of before seconds were noted
    assert seconds_of(tmp_path, "old") is None


def test_a_failing_step_shows_its_last_lines_and_is_not_done(tmp_path, capsys):
    fail = [sys.executable, "-c", "print('reason'); raise SystemExit(3)"]
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            Steps(tmp_path).run("bad", *fail)
        assert caught.value.code == 1
        out = capsys.readouterr().out
        assert "reason" in out and "bad failed with exit code 3" in out and "bad.log" in out


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


TRAINING = (
    "training coarse net, step: {} loss: 0.5 time cost: 1.2  (3.3 examples/s, {} %, 0:01:0{} left)"
)


def test_a_terminal_has_one_live_line(tmp_path):
    log, stream = tmp_path / "train.log", Terminal()
    log.write_text("config: ...\n")
    progress = Progress("train", log, stream)
    progress.look()
    assert stream.getvalue() == "\r\033[Ktrain: 0 s"  # it compiles: nothing to tell yet
    with log.open("a") as file:
        for step in range(3):
            file.write(TRAINING.format(step, step, 9 - step) + "\n")
        file.write(TRAINING.format(3, 3, 6)[:30])  # half a line is no news
        file.flush()
        progress.look()
        shown = stream.getvalue().rpartition("\r\033[K")[2]
        assert shown == f"train: {TRAINING.format(2, 2, 7)}"[:79] and "loss: 0.5" in shown
        file.write(TRAINING.format(3, 3, 6)[30:] + "\nsaved a.ckpt\n")
        file.flush()
        progress.look()
    assert "step: 3 " in stream.getvalue().rpartition("\r")[2]
    progress.end()
    assert stream.getvalue().endswith("\r\033[K") and "\n" not in stream.getvalue()


def test_a_file_gets_a_line_now_and_then(tmp_path):
    log, stream = tmp_path / "evaluate.log", io.StringIO()
    progress = Progress("evaluate", log, stream, every=0.2)
    lines = [f"evaluated: {n} / 9, 2.00 images/s, {9 - n} s left" for n in range(9)]
    log.write_text(lines[0] + "\n")
    progress.look()
    assert stream.getvalue() == ""
    progress.printed -= 1
    progress.look()
    progress.look()
    assert stream.getvalue() == f"evaluate: {lines[0]}\n"
    log.write_text("\n".join(lines) + "\n")
    progress.look()
    progress.printed -= 1
    progress.look()
    progress.printed -= 1
    progress.look()  # nothing new
    progress.end()
    assert stream.getvalue() == f"evaluate: {lines[0]}\nevaluate: {lines[8]}\n"


def test_a_training_step_of_every_quickstart_tells_each_step(tmp_path):
    """One log line per step, so that the live line moves."""
    for model in MODELS.values():
        for quickstart in model.quickstarts.values():
            for name, entry, *words in quickstart.steps:
                if entry == "train.py":
                    assert words[words.index("--log_steps") + 1] == "1", name


def test_a_running_step_shows_its_progress(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    line = TRAINING.format(7, 7, 1)
    work = f"import time; print('{line}', flush=True); time.sleep(1.5)"
    Steps(tmp_path).run("train", sys.executable, "-c", work)
    assert "\r\033[Ktrain: training coarse net, step: 7 loss: 0.5" in capsys.readouterr().out


@pytest.fixture
def clock(monkeypatch):
    """The time of Progress and Steps, which the test moves on."""
    clock = SimpleNamespace(now=1000.0)
    for module in ("progress", "steps"):
        time = SimpleNamespace(monotonic=lambda: clock.now)
        monkeypatch.setattr(f"scripts.quickstart.{module}.time", time)
    return clock


def test_a_terminal_tells_the_seconds_until_there_is_progress(tmp_path, clock):
    log, stream = tmp_path / "train.log", Terminal()
    log.touch()
    progress = Progress("train", log, stream)
    clock.now += 7
    progress.look()
    assert stream.getvalue() == "\r\033[Ktrain: 7 s"


def test_lines_in_a_file_are_a_quarter_of_a_minute_apart(tmp_path, clock):
    log, stream = tmp_path / "train.log", io.StringIO()
    progress = Progress("train", log, stream)
    told = []
    for number in range(40):
        with log.open("a") as file:
            file.write(f"step {number}, 1 s left\n")
        progress.look()
        if len(stream.getvalue().splitlines()) > len(told):
            told.append(number)
        clock.now += 1
    assert told == [15, 30]
    assert stream.getvalue() == "train: step 15, 1 s left\ntrain: step 30, 1 s left\n"


def test_progress_goes_to_standard_output_unless_told_otherwise(tmp_path, capsys):
    log = tmp_path / "train.log"
    log.write_text("step 1, 1 s left\n")
    Progress("train", log, every=0).look()
    assert capsys.readouterr().out == "train: step 1, 1 s left\n"


def test_progress_is_seen_at_once(tmp_path):
    """In a pipe or a file Python would keep the line to itself."""
    log, raw = tmp_path / "train.log", io.BytesIO()
    log.write_text("step 1, 1 s left\n")
    stream = io.TextIOWrapper(raw)
    Progress("train", log, stream, every=0).look()
    assert raw.getvalue() == b"train: step 1, 1 s left\n"


def test_the_folder_of_the_steps_is_made(tmp_path):
    for _ in range(2):
        assert Steps(tmp_path / "out" / "quickstart").folder.is_dir()


def test_a_step_runs_in_the_folder_and_finds_the_repository_s_packages(tmp_path):
    text = "import os; print(os.getcwd(), os.environ['PYTHONPATH'])"
    Steps(tmp_path).run("show", sys.executable, "-c", text)
    assert (tmp_path / "show.log").read_text() == f"{tmp_path} {REPOSITORY}\n"


def test_a_failed_step_shows_its_log_s_last_15_lines(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        Steps(tmp_path).run("bad", "bash", "-c", "printf '%d\\n' {1..30} >&2; exit 4")
    assert caught.value.code == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        *map(str, range(16, 31)),
        f"bad failed with exit code 4; its log is {tmp_path}/bad.log",
    ]


def test_a_step_is_done_when_this_very_command_was(tmp_path, capsys):
    """Not when it failed, nor when another command did it, nor when a step before it ran again."""
    Steps(tmp_path).run("one", "true")
    with pytest.raises(SystemExit):
        Steps(tmp_path).run("two", "false")
    capsys.readouterr()
    for command_, begins in (
        (["true"], "two: true"),
        (["true"], "two: done"),
        (["true", "x"], "two: true x"),
    ):
        steps = Steps(tmp_path)
        steps.run("one", "true")
        steps.run("two", *command_)
        out = capsys.readouterr().out
        assert out.startswith("one: done before\n" + begins)
    steps = Steps(tmp_path)
    steps.run("new", "true")
    steps.run("one", "true")
    assert "done before" not in capsys.readouterr().out


@pytest.fixture
def process(monkeypatch, clock):
    """The process of a step, made up: it takes 70 s. What was done with it is in `log`."""

    class Process:
        log, alive = [], True

        def __init__(self, words, **options):
            self.log.append(("started", words))

        def wait(self, timeout=None):
            self.log.append(("wait", timeout))
            clock.now += timeout or 0
            if timeout and clock.now < 1070:
                raise subprocess.TimeoutExpired("x", timeout)
            self.alive = False
            return 0

        def poll(self):
            return None if self.alive else 0

        def terminate(self):
            self.log.append(("terminate",))

    Process.log = []
    monkeypatch.setattr(steps_module.subprocess, "Popen", Process)
    return Process


def test_a_running_step_is_looked_at_each_second_or_so(tmp_path, capsys, process):
    steps = Steps(tmp_path)
    steps.run("train", "x", 7)
    assert process.log[0] == ("started", ["x", "7"])
    waits = [timeout for what, timeout in process.log[1:]]
    assert 70 <= sum(waits) < 72 and max(waits) <= 1
    assert capsys.readouterr().out.splitlines() == [
        "train: x 7",
        f"train: 70 s, log in {tmp_path}/train.log",
    ]
    assert steps.seconds() == 70


def test_a_step_that_is_interrupted_is_asked_to_stop_and_waited_for(tmp_path, process, monkeypatch):
    def interrupt(progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "look", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path).run("train", "x")
    assert process.log[2:] == [("terminate",), ("wait", None)]
    assert not (tmp_path / ".done-train").exists()


def test_the_command_of_a_step_is_there_before_it_ends(tmp_path, written_before):
    written = written_before("Popen")
    Steps(tmp_path).run("one", "true", f"{REPOSITORY}/x")
    assert written == [b"one: true x\n"]


def test_a_step_is_a_module_or_a_program_of_the_model():
    python = sys.executable
    model = REPOSITORY / "midas"
    assert command(model, ["-m", "tests.synthetic", "nyu"]) == [
        *(python, "-m", "tests.synthetic", "nyu"),
    ]
    assert command(model, ["eval.py", "-m", "x"]) == [
        python,
        f"{REPOSITORY}/midas/eval.py",
        "-m",
        "x",
    ]


def test_a_reader_wants_no_long_paths():
    words = (sys.executable, REPOSITORY / "midas" / "eval.py", "/data/x", 7)
    assert [short(word) for word in words] == ["python", "midas/eval.py", "/data/x", "7"]
