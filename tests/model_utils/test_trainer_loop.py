"""The loop itself, with steps that compute nothing: order, looks, states, resume, stops, clock."""

import os
import signal
from dataclasses import FrozenInstanceError

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import trainer
from depthnet.src.model_utils.checkpoint import load_state, read_record, save_state
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.errors import InputError, RunError
from depthnet.src.model_utils.hooks import Hook, Moment
from depthnet.src.model_utils.step import Outcome
from depthnet.src.model_utils.stream import SampleStream
from depthnet.src.model_utils.trainer import Stage, Trainer
from tests.model_utils.test_stream import Numbers

CPU = Device("CPU")
IDENTITY = {"samples": 8, "global_batch": 2, "seed": 0}


class Step:
    """In place of TrainStep: adds 1 to the weights; `outcome` changes what a look tells."""

    made = []
    outcome = {}

    def __init__(self, forward, networks, optimizer, device, **options):
        self.networks, self.options, self.batches, self.stops = networks, options, [], []
        Step.made.append(self)

    def __call__(self, batch, stop):
        self.batches.append([column.asnumpy().ravel().tolist() for column in batch])
        self.stops.append(stop)
        weight = self.networks["net"].weight
        weight.set_data(weight + 1)

    def look(self):
        told = {"bad_step": None, "is_ours": False, "stop": self.stops[-1], "overflow": False}
        return Outcome(values={"loss": float(len(self.batches))}, **{**told, **Step.outcome})


@pytest.fixture(autouse=True)
def steps(monkeypatch):
    """The TrainSteps that were made."""
    monkeypatch.setattr(trainer, "TrainStep", Step)
    monkeypatch.setattr(Step, "made", [])
    monkeypatch.setattr(Step, "outcome", {})
    return Step.made


class Watch(Hook):
    """Notes the reports; asks for looks and acts when told to."""

    name = "watch"

    def __init__(self, looks=(), act=lambda report: None, state=None):
        self.looks, self.act, self.kept, self.reports, self.asked = looks, act, state, [], []

    def needs_look(self, moment):
        self.asked.append(moment.step)
        return moment.step in self.looks

    def after_look(self, report):
        self.reports.append(report)
        self.act(report)

    def state(self):
        return self.kept or {}

    def restore(self, state):
        self.kept = state

    @property
    def seen(self):
        return [report.step for report in self.reports]


def stage(steps=6, name="tiny", value=0.0, **given):
    net = nn.Dense(1, 1, weight_init="zeros", bias_init="zeros")
    net.weight.set_data(net.weight + value)

    def forward(index):
        raise AssertionError("the steps here compute nothing")

    return Stage(name, {"net": net}, nn.Adam(net.trainable_params(), 0.5), forward, steps, **given)


def loop(folder, device=CPU, stream=None, **options):
    return Trainer(device, folder, stream or SampleStream(Numbers(8), 2, 0), **options)


def weight(part):
    return float(part.networks["net"].weight.asnumpy()[0, 0])


def test_steps_run_in_order_and_the_host_looks_as_often_as_told(tmp_path, steps):
    trainer_, watch = loop(tmp_path, host_every=4, resume_steps=3), Watch(looks=(1,))
    part = stage(10)
    trainer_.fit(part, [watch])
    with pytest.raises(FrozenInstanceError):
        part.steps = 20
    (step,) = steps
    stream = trainer_.stream
    assert step.batches == [[stream.indices(number).tolist()] for number in range(10)]
    # Every fourth, the one the hook asks for, each that saves (3, 6, 9 steps done), the last.
    assert watch.seen == [0, 1, 2, 4, 5, 8, 9]
    assert watch.asked == list(range(10))
    assert step.options == {"scaler": None, "jit_level": "", "first": 0}
    report = watch.reports[-1]
    assert (report.stage, report.total, report.steps_per_epoch) == ("tiny", 10, 4)
    assert report.values == {"loss": 10.0} and report.is_last


@pytest.mark.parametrize(
    ("target", "options", "looks"),
    [
        ("CPU", {}, 1),
        ("Ascend", {}, 1),
        ("Ascend", {"log_steps": 5}, 5),
        ("CPU", {"log_steps": 5}, 1),
    ],
)
def test_without_a_wish_the_host_looks_at_each_step_on_a_cpu_and_at_log_steps_on_a_card(
    tmp_path, target, options, looks
):
    made = loop(tmp_path, Device(target), **options)
    assert (made.host_every, made.resume_steps, made.resume) == (looks, 200, "none")
    assert loop(tmp_path, Device(target), host_every=3).host_every == 3


def test_every_hook_is_asked_even_when_the_first_wants_a_look(tmp_path):
    watches = [Watch(looks=range(5)), Watch()]
    loop(tmp_path, host_every=100).fit(stage(5), watches)
    assert [watch.asked for watch in watches] == [list(range(5))] * 2
    assert [watch.seen for watch in watches] == [list(range(5))] * 2


def test_the_state_is_saved_every_so_many_steps_and_at_the_end(tmp_path):
    saved = []

    def note(report):
        file = tmp_path / "state_tiny.ckpt"
        saved.append(read_record(file)["progress"]["step"] if file.exists() else 0)

    loop(tmp_path, resume_steps=2).fit(stage(5), [Watch(act=note, state={"a": 1})])
    assert saved == [0, 0, 2, 2, 4]  # what a hook sees is from before its step
    progress = read_record(tmp_path / "state_tiny.ckpt")["progress"]
    assert progress == {"stage": "tiny", "step": 5, **IDENTITY, "hooks": {"watch": {"a": 1}}}


def test_hooks_without_a_state_take_no_place_in_it(tmp_path):
    loop(tmp_path).fit(stage(1), [Watch()])
    assert read_record(tmp_path / "state_tiny.ckpt")["progress"]["hooks"] == {}


def test_a_state_holds_weights_moments_and_scaler_but_no_learning_rate(tmp_path):
    scaler = ms.amp.DynamicLossScaler(scale_value=8.0, scale_factor=2, scale_window=3)
    loop(tmp_path).fit(stage(1, scaler=scaler))
    names = set(ms.load_checkpoint(str(tmp_path / "state_tiny.ckpt")))
    assert {"weight", "bias", "moment1.weight", "moment2.bias", "global_step"} <= names
    assert "learning_rate" not in names and len([n for n in names if "scale" in n]) == 1
    groups = nn.Dense(1, 1)
    parts = [{"params": [p], "lr": rate} for p, rate in zip(groups.get_parameters(), (0.1, 0.2))]
    part = Stage("x", {"net": groups}, nn.Adam(parts, 0.5), lambda index: None, 1)
    assert not [p.name for p in part.parameters() if p.name.startswith("learning_rate")]


def test_other_ranks_write_no_state(tmp_path):
    stream = SampleStream(Numbers(8), 1, 0, rank=1, size=2)
    loop(tmp_path, Device("CPU", rank=1, size=2), stream).fit(stage(2))
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_where_it_stopped_with_what_hooks_kept(tmp_path, steps, printed):
    loop(tmp_path, resume="auto").fit(stage(3), [Watch(state={"best": 7})])
    assert "resumed" not in printed()
    part, watch = stage(5), Watch()
    loop(tmp_path, resume="auto").fit(part, [watch])
    assert steps[1].options["first"] == 3 and len(steps[1].batches) == 2
    assert watch.seen == [3, 4] and watch.kept == {"best": 7}
    assert weight(part) == 5
    text = f"resumed tiny at step 3 from {tmp_path}/state_tiny.ckpt\n"
    assert text in printed()


@pytest.mark.parametrize("steps_now", [3, 2])
def test_a_finished_stage_runs_no_step(tmp_path, steps, printed, steps_now):
    loop(tmp_path).fit(stage(3))
    part = stage(steps_now)
    loop(tmp_path, resume="auto").fit(part)
    assert len(steps) == 1 and weight(part) == 3
    assert f"tiny: all {steps_now} steps are done\n" in printed()


def test_none_begins_anew_and_a_path_names_the_state(tmp_path, steps):
    loop(tmp_path).fit(stage(3))
    (tmp_path / "state_tiny.ckpt").rename(tmp_path / "kept.ckpt")
    loop(tmp_path, resume="none").fit(stage(1))
    loop(tmp_path, resume=str(tmp_path / "kept.ckpt")).fit(stage(4))
    assert [step.options["first"] for step in steps] == [0, 0, 3]
    with pytest.raises(InputError, match="gone.ckpt does not exist"):
        loop(tmp_path, resume=str(tmp_path / "gone.ckpt")).fit(stage(4))


@pytest.mark.parametrize(
    ("key", "value", "has"),
    [("stage", "other", "tiny"), ("samples", 9, 8), ("global_batch", 4, 2), ("seed", 1, 0)],
)
def test_a_state_of_other_samples_is_refused(tmp_path, steps, key, value, has):
    progress = {"stage": "tiny", "step": 3, **IDENTITY, key: value}
    save_state(tmp_path / "state_tiny.ckpt", stage().parameters(), progress)
    message = f"saved with {key} {value}, this run has {has}; make them equal or --resume none"
    with pytest.raises(InputError, match=message):
        loop(tmp_path, resume="auto").fit(stage())
    assert not steps


def test_two_ranks_go_on_from_a_state_of_one_with_their_batch(tmp_path, steps):
    loop(tmp_path).fit(stage(3))
    stream = SampleStream(Numbers(8), 1, 0, rank=1, size=2)
    loop(tmp_path, Device("CPU", rank=1, size=2), stream, resume="auto").fit(stage(4))
    assert steps[1].options["first"] == 3


def test_the_state_before_a_damaged_one_is_offered(tmp_path):
    loop(tmp_path, resume_steps=1).fit(stage(3))
    file = tmp_path / "state_tiny.ckpt"
    file.write_bytes(file.read_bytes()[:-30])
    earlier = tmp_path / "state_tiny.previous.ckpt"
    with pytest.raises(InputError, match=f"; go on from the one before it: --resume {earlier}$"):
        loop(tmp_path, resume="auto").fit(stage(3))
    earlier.unlink()
    with pytest.raises(InputError) as caught:
        loop(tmp_path, resume="auto").fit(stage(3))
    assert "--resume" not in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_next_step_with_the_state_saved(
    tmp_path, steps, printed, monkeypatch, number
):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr("sys.argv", ["train.py", "--resume", "none", "--device_target", "auto"])

    def kill(report):
        if report.step == 1:
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as caught:
        loop(tmp_path).fit(stage(9), [Watch(act=kill)])
    assert caught.value.code == 0
    assert steps[0].stops == [False, False, True]
    assert load_state(tmp_path / "state_tiny.ckpt", stage().parameters())["step"] == 3
    assert printed().splitlines()[-2:] == [
        f"stopped by a signal after 3 steps, state in {tmp_path}/state_tiny.ckpt",
        "go on with: python train.py --device_target auto --resume auto",
    ]
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_signal_during_the_last_step_ends_as_usual(tmp_path):
    Step.outcome = {"stop": True}
    loop(tmp_path).fit(stage(1))
    assert read_record(tmp_path / "state_tiny.ckpt")["progress"]["step"] == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ""),
        (["--resume", "auto"], ""),
        (["--resume=auto", "--a", "b c"], "--a 'b c' "),
        (["--resume", "x/state.ckpt", "--resume_steps", "5"], "--resume_steps 5 "),
    ],
)
def test_the_command_to_go_on_has_the_other_flags(given, expected):
    command = trainer._command_to_resume(["train.py", *given])
    assert command == f"python train.py {expected}--resume auto"


@pytest.mark.parametrize(
    ("bad", "is_ours", "terms", "names"),
    [
        (5, True, "loss 6.0", "n"),
        (4, True, "loss or gradients", "n"),
        (5, False, "loss 6.0", "see another"),
    ],
)
def test_a_loss_that_is_not_finite_ends_in_a_line_that_names_the_step_and_its_files(
    tmp_path, bad, is_ours, terms, names
):
    made = loop(tmp_path, host_every=5, resume_steps=100)
    watch = Watch()

    def outcome(report):
        Step.outcome = {"bad_step": bad, "is_ours": is_ours}

    watch.act = outcome  # what the second look tells
    with pytest.raises(RunError) as caught:
        made.fit(stage(9), [watch])
    text, state, batch, hint = str(caught.value).split("; ")
    assert text == f"tiny step {bad}: not finite: {terms}"
    file = tmp_path / "state_tiny.ckpt"
    assert state == f"state from before it: {file} after {bad} steps"
    assert hint == "lower the learning rate or repair the data"
    files = " ".join(made.stream.names(bad)) if is_ours else "see another rank's log"
    assert batch == f"the batch: {files}" and names in batch
    assert read_record(file)["progress"]["step"] == bad
    assert watch.seen == [0]  # no hook sees the bad step


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(RunError, match="tiny: weight is not finite after 2 steps; .*not written"):
        loop(tmp_path, resume_steps=2).fit(stage(4, value=np.inf))
    assert not list(tmp_path.iterdir())


def test_the_clock_separates_waiting_from_working_and_leaves_hooks_out(monkeypatch):
    """Each step waits 1 s and works 3 s; hooks take 100 s, the first step compiles for 50 s."""
    now, part = [0.0], stage(name="x")
    monkeypatch.setattr(trainer.time, "perf_counter", lambda: now[0])
    clock = trainer._Clock(examples=8, total=10)
    seen = []
    for step in range(6):
        now[0] += 1
        clock.batch_is_there()
        now[0] += 53 if step == 0 else 3 if step < 4 else 7
        if step in (0, 3, 4, 5):  # a look after three steps, then after each
            outcome = Outcome({"loss": 1.0}, None, False, False, False)
            seen.append(clock.report(Moment(step, 10, 5), part, outcome))
            now[0] += 100
        clock.step_is_done()
    assert [report.seconds for report in seen] == [54, 4, 8, 8]
    assert [report.wait_share for report in seen] == [1 / 54, 1 / 4, 1 / 8, 1 / 8]
    assert [report.examples_per_s for report in seen] == [8 / 54, 2, 1, 1]
    # The rate forgets slowly, and the step that compiles does not count: 4, 4.4, 4.76 s.
    expected = [9 * 54, 6 * 4, 5 * 4.4, 4 * 4.76]
    np.testing.assert_allclose([report.left for report in seen], expected)
    assert seen[0].stage == "x" and seen[0].optimizer is part.optimizer


def test_speed_counts_the_examples_of_all_ranks(tmp_path, monkeypatch):
    made = []
    clock = trainer._Clock

    def note(*arguments):
        made.append(arguments)
        return clock(*arguments)

    monkeypatch.setattr(trainer, "_Clock", note)
    stream = SampleStream(Numbers(24), 3, 0, rank=1, size=4)
    loop(tmp_path, Device("CPU", rank=1, size=4), stream).fit(stage(2))
    assert made == [(12, 2)]


def test_loaders_are_made_as_told(tmp_path, monkeypatch):
    seen = []
    batches = SampleStream.batches

    def note(self, *arguments, **options):
        seen.append((*arguments, options))
        return batches(self, *arguments, workers=1)

    monkeypatch.setattr(SampleStream, "batches", note)
    loop(tmp_path).fit(stage(1))
    loop(tmp_path, workers=3, processes=True, jit_level="O1").fit(stage(1))
    assert seen[0] == (0, 1, ("index",), {"workers": 1, "processes": False})
    assert seen[1][-1] == {"workers": 3, "processes": True}
    assert Step.made[1].options["jit_level"] == "O1"
