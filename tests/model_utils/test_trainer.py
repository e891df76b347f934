"""The shared loop, run as a program: logs, resume after kills, signals, NaN, mixed precision."""

import csv
import re
import resource
import shutil
import signal
import time

import mindspore as ms
import numpy as np
import pytest

from depthnet.src.model_utils.files import read_record


@pytest.fixture(scope="module")
def straight(tiny):
    """State and metrics of a run that nothing interrupted."""
    tiny.run("train.py", "--train_url", "straight")
    return tiny.folder / "straight"


def arrays(path):
    """The parameters of a checkpoint."""
    return {k: v.asnumpy().copy() for k, v in ms.load_checkpoint(str(path)).items()}


def state(folder, stage="tiny"):
    return arrays(folder / f"state_{stage}.ckpt")


def assert_same(got, wanted):
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)


def assert_same_state(folder, expected):
    assert_same(state(folder), state(expected))


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def wait_for(process, text, timeout=120):
    """Read lines until one holds `text`; return what was read."""
    end, seen = time.monotonic() + timeout, []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return seen
        if time.monotonic() > end:
            break
    process.kill()
    raise AssertionError(f"{text!r} never came:\n{''.join(seen)}\n{process.stderr.read()}")


def test_the_loss_falls_and_every_step_is_recorded(straight):
    table = rows(straight)
    columns = ["stage", "step", "loss", "twice", "lr", "examples_per_s", "wait_share"]
    assert list(table[0]) == columns
    assert {row["lr"] for row in table} == {"0.1"}
    assert [int(row["step"]) for row in table] == list(range(20))
    losses = [float(row["loss"]) for row in table]
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
    np.testing.assert_allclose([float(row["twice"]) for row in table], np.multiply(2, losses))


@pytest.mark.slow
@pytest.mark.parametrize("kill_step", [0, 5, 13])
def test_sigkill_then_resume_gives_the_same_bits(tiny, straight, kill_step):
    out = f"killed_{kill_step}"
    process = tiny.start("train.py", "--train_url", out, "--wait", 0.05)
    wait_for(process, f"step {kill_step} ")
    process.kill()
    process.communicate()
    saved = (tiny.folder / out / "state_tiny.ckpt").exists()
    assert saved or kill_step < 4
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert ("resumed tiny at step" in printed) == saved
    assert_same_state(tiny.folder / out, straight)
    assert [row["loss"] for row in rows(tiny.folder / out)] == [r["loss"] for r in rows(straight)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_how_to_go_on(tiny, straight, number):
    out = f"signalled_{number}"
    process = tiny.start("train.py", "--train_url", out, "--wait", 0.05)
    wait_for(process, "step 2 ")
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped by a signal" in printed and "--resume auto" in printed
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert "resumed tiny at step" in printed
    assert_same_state(tiny.folder / out, straight)


def test_resume_of_a_finished_run_changes_nothing(tiny, straight):
    before = (straight / "state_tiny.ckpt").read_bytes()
    printed, _ = tiny.run("train.py", "--train_url", "straight", "--resume", "auto")
    assert "all 20 steps are done" in printed
    assert (straight / "state_tiny.ckpt").read_bytes() == before


def test_resume_with_another_batch_size_is_refused(tiny, straight):
    line = tiny.refuse("train.py", "--train_url", straight, "--resume", "auto", "--batch_size", 3)
    assert "global_batch 2" in line and "has 3" in line


def failure(err):
    """The one line of a run that failed."""
    lines = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert len(lines) == 1 and "Traceback" not in err, err
    return lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("host_every", [1, 4])
def test_a_loss_that_is_not_finite_stops_the_run_with_everything_as_before_that_step(
    tiny, host_every
):
    """Weights, moments and moving statistics too, also when the host looks three steps later."""
    out = f"nan_{host_every}"
    good, bad = ["--steps", 5], ["--poison_step", 5, "--host_every", host_every, "--log_steps", 20]
    resume = ["--resume_steps", 40]
    tiny.run("train.py", "--train_url", f"{out}_good", *good, *resume)
    _, err = tiny.run("train.py", "--train_url", out, *bad, *resume, status=1)
    line = failure(err)
    assert "tiny step 5: not finite: loss" in line and "state_tiny.ckpt after 5 steps" in line
    assert line.count("row-") == 2 and ("loss nan, twice nan" in line) == (host_every == 1)
    assert_same_state(tiny.folder / out, tiny.folder / f"{out}_good")
    moving = [name for name in state(tiny.folder / out) if "moving" in name]
    assert len(moving) == 2
    # The poisoned row is gone: the run goes on from the saved weights.
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert "resumed tiny at step 5" in printed and "finished" in printed


@pytest.mark.slow
def test_the_forward_pass_itself_may_say_that_it_is_not_finite(tiny):
    """A finite loss does not prove it where the loss leaves infinite predictions out."""
    _, err = tiny.run("train.py", "--train_url", "flag", "--finite_flag_step", 3, status=1)
    assert "tiny step 3: not finite: loss" in failure(err)


@pytest.mark.slow
@pytest.mark.parametrize("host_every", [1, 6])
def test_an_overflow_at_the_lowest_loss_scale_stops_the_run(tiny, host_every):
    """Sixteen halvings from 65536 to 1; on a 910A no loss would show that nothing is learnt."""
    out = f"stuck_{host_every}"
    flags = ["--amp_level", "O2", "--overflow_step", 0, "--overflow_rank", 0, "--steps", 40]
    looks = ["--host_every", host_every, "--log_steps", 40, "--resume_steps", 100]
    _, err = tiny.run("train.py", "--train_url", out, *flags, *looks, status=1)
    line = failure(err)
    assert line.startswith("failed: tiny step 16: not finite: loss ")
    assert ("gradients inf" if host_every == 1 else "loss or gradients;") in line
    assert "state_tiny.ckpt after 16 steps" in line
    scale = [value for name, value in state(tiny.folder / out).items() if "scale" in name]
    assert scale == [1]


@pytest.mark.slow
def test_weights_that_are_not_finite_are_never_saved_as_a_state(tiny):
    """A gradient may be infinite where the loss is finite; the next loss shows it, too late."""
    out, flags = "steep", ["--bad_gradient_step", 6, "--resume_steps", 4]
    _, err = tiny.run("train.py", "--train_url", out, *flags, status=1)
    assert re.search("tiny: \\S+ is not finite after 7 steps; \\S+ was not written", failure(err))
    found = state(tiny.folder / out)
    assert all(np.isfinite(value).all() for value in found.values())
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert "resumed tiny at step 4" in printed


@pytest.mark.slow
def test_looking_once_in_ten_steps_ends_with_the_same_weights(tiny, straight):
    every = ["--host_every", 10, "--log_steps", 10, "--resume_steps", 40, "--save_steps", 0]
    printed, _ = tiny.run("train.py", "--train_url", "sparse", *every, "--show_reads", "True")
    assert "read after steps [0, 10, 19]" in printed
    assert_same_state(tiny.folder / "sparse", straight)
    assert [row["step"] for row in rows(tiny.folder / "sparse")] == ["0", "10", "19"]


@pytest.mark.slow
def test_a_full_disk_keeps_the_previous_state(tiny, straight):
    """RLIMIT_FSIZE makes the write fail in the middle, as a full disk does."""
    out = tiny.folder / "full"
    tiny.run("train.py", "--train_url", out, "--steps", 4)
    before = (out / "state_tiny.ckpt").read_bytes()
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))}
    _, err = tiny.run("train.py", "--train_url", out, "--resume", "auto", status=1, **limit)
    assert "cannot save" in err and "Traceback" not in err
    assert (out / "state_tiny.ckpt").read_bytes() == before
    assert not list(out.glob(".*"))
    tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert_same_state(out, straight)


@pytest.mark.slow
def test_mixed_precision_trains_and_resumes_with_its_loss_scale(tiny, straight):
    tiny.run("train.py", "--train_url", "o2", "--amp_level", "O2")
    assert state(tiny.folder / "o2").keys() > state(tiny.folder / "straight").keys()
    tiny.run("train.py", "--train_url", "o2b", "--amp_level", "O2", "--steps", 8)
    tiny.run("train.py", "--train_url", "o2b", "--amp_level", "O2", "--resume", "auto")
    assert_same_state(tiny.folder / "o2b", tiny.folder / "o2")


@pytest.mark.slow
def test_several_networks_two_stages_and_a_best_model_resume_to_the_same_bits(tiny):
    """Killed in each stage; what the second finds best must not depend on the stops."""
    flags = ["--stages", 2, "--validate_steps", 2, "--learning_rate", 0.3]
    tiny.run("train.py", "--train_url", "unbroken", *flags)
    command = ["train.py", "--train_url", "broken", *flags, "--resume", "auto"]
    for text in ("validation of tiny after 10 steps", "validation of second after 14 steps"):
        process = tiny.start(*command, "--wait", 0.02)
        wait_for(process, text)
        process.kill()
        process.communicate()
    tiny.run(*command)
    unbroken, broken = tiny.folder / "unbroken", tiny.folder / "broken"
    for stage in ("tiny", "second"):
        assert_same(state(broken, stage), state(unbroken, stage))
        for network in ("encoder", "decoder"):
            name = f"best_{stage}/{network}.ckpt"
            assert_same(arrays(broken / name), arrays(unbroken / name))
        records = [
            read_record(folder / f"best_{stage}/encoder.ckpt") for folder in (unbroken, broken)
        ]
        assert records[0] == records[1]
        # The case is only worth something where the best is not the last.
        assert records[0]["step"] < 20
    losses = [
        [(r["stage"], r["step"], r["loss"], r["val_loss"]) for r in rows(f)]
        for f in (unbroken, broken)
    ]
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_stages_with_different_terms_share_one_table(tiny):
    tiny.run("train.py", "--train_url", "stages", "--stages", 2, "--steps", 3)
    table = rows(tiny.folder / "stages")
    assert [(row["stage"], row["step"]) for row in table] == [
        (stage, str(step)) for stage in ("tiny", "second") for step in range(3)
    ]
    for row in table:
        other, own = ("half", "twice") if row["stage"] == "tiny" else ("twice", "half")
        assert row[other] == "" and float(row[own]) > 0


def test_a_folder_holds_every_network_and_the_oldest_go(tiny, straight):
    assert sorted(path.name for path in (straight / "models").iterdir()) == [
        "weights_tiny_15",
        "weights_tiny_20",
    ]
    final = straight / "models" / "weights_tiny_20"
    names = sorted(arrays(final / "encoder.ckpt"))
    assert names[0] == "0.bias" and sorted(arrays(final / "decoder.ckpt")) == ["0.bias", "0.weight"]
    weights = [arrays(final / f"{name}.ckpt")["0.weight"] for name in ("encoder", "decoder")]
    wanted = [state(straight)[f"{name}.0.weight"] for name in ("encoder", "decoder")]
    for got, value in zip(weights, wanted):
        np.testing.assert_array_equal(got, value)


@pytest.mark.slow
def test_a_validation_adds_its_columns_and_images(tiny):
    flags = ["--validate_steps", 4, "--log_steps", 3, "--steps", 8]
    printed, _ = tiny.run("train.py", "--train_url", "validated", *flags)
    assert "validation of tiny after 4 steps: loss " in printed
    table = rows(tiny.folder / "validated")
    assert [row["step"] for row in table] == ["0", "3", "6", "7"]
    assert [bool(row["val_loss"]) for row in table] == [False, True, False, True]
    images = sorted(path.name for path in (tiny.folder / "validated" / "panels").iterdir())
    assert images == [f"tiny_000000{step}_{n}.png" for step in (4, 8) for n in (0, 1)]


@pytest.mark.slow
def test_a_damaged_state_is_named_and_the_one_before_it_offered(tiny, straight):
    """Any single flipped byte is found; the state that is offered resumes to the same end."""
    out = shutil.copytree(straight, tiny.folder / "flipped")
    file = out / "state_tiny.ckpt"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 16
    file.write_bytes(data)
    line = tiny.refuse("train.py", "--train_url", out, "--resume", "auto")
    assert "state_tiny.ckpt is damaged, its checksum differs" in line
    earlier = line.split("--resume ")[1]
    assert earlier.endswith("state_tiny.previous.ckpt")
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", earlier)
    assert "resumed tiny at step 16" in printed
    assert_same_state(out, straight)


@pytest.mark.slow
def test_a_resumed_run_takes_the_learning_rate_that_it_is_given(tiny):
    tiny.run("train.py", "--train_url", "rates", "--steps", 4)
    lower = ["--learning_rate", 0.001, "--resume", "auto", "--steps", 6]
    tiny.run("train.py", "--train_url", "rates", *lower)
    assert [row["lr"] for row in rows(tiny.folder / "rates")] == ["0.1"] * 4 + ["0.001"] * 2
