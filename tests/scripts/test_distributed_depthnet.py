"""DepthNet on two CPU workers against one: equal weights, averaged gradients, shards, resume."""

import numpy as np
import pytest

from depthnet.src.datasets import NyuTrain
from depthnet.src.model_utils.stream import SampleStream
from tests.scripts.data_parallel import RealLaunchers, kill_rank, largest_difference, losses
from tests.synthetic.__main__ import main as render

COARSE_STEPS, FINE_STEPS = 3, 2
FLAGS = (
    *("--coarse_net_train_step", COARSE_STEPS, "--fine_net_train_step", FINE_STEPS),
    *("--log_steps", 1, "--num_parallel_workers", 1),
)
NETS = ("CoarseNet_0", "FinalCoarseNet", "FineNet_0", "FinalFineNet")
# The sums of two halves are rounded differently than the sum over the batch; Adam moves a weight by
# up to the learning rate (1e-4) per step whatever its gradient's size, so unaveraged gradients
# would show as 1e-4. Measured: 3e-7.
WEIGHT_TOLERANCE = 5e-6


@pytest.fixture(scope="module")
def nyu(tmp_path_factory):
    """A NYU tree of 8 training pairs."""
    out = tmp_path_factory.mktemp("nyu") / "NYU"
    sizes = ["--train", "8", "--test", "1", "--per_scene", "2", "--workers", "1"]
    render(["nyu", str(out), *sizes, "--seed", "7"])
    return out


@pytest.fixture(scope="module")
def train_two(program, nyu, tmp_path_factory):
    """train_two(output, *flags) starts two workers of batch 1; returns (Popen, folder of logs)."""

    def start(output, *flags):
        logs = tmp_path_factory.mktemp("logs")
        call = ("depthnet", nyu, 2, "--train_url", output, "--distributed_batch_size", 1)
        launchers = RealLaunchers(program("depthnet"), logs)
        return launchers.start("run_distribute_train", *call, *FLAGS, *flags), logs

    return start


@pytest.fixture(scope="module")
def two(train_two, tmp_path_factory):
    """Output folder of an uninterrupted run of two workers of batch 1."""
    output = tmp_path_factory.mktemp("two") / "Model"
    process, logs = train_two(output)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert f"log of rank 1: {logs}/rank_1.log" in out
    return output


@pytest.fixture(scope="module")
def one(program, nyu, tmp_path_factory):
    """Output folder of the same run by one worker of batch 2."""
    output = tmp_path_factory.mktemp("one") / "Model"
    call = ("--data_url", nyu, "--device_target", "CPU", "--train_url", output, "--batch_size", 2)
    program("depthnet").run("train.py", *call, *FLAGS)
    return output


@pytest.mark.slow
def test_ranks_have_equal_weights(two):
    """After the first step and at the end; so they were equal before the first step as well."""
    for net in NETS:
        ranks = [two / "Ckpt" / f"{net}_rank{rank}.ckpt" for rank in range(2)]
        assert largest_difference(*ranks) == 0, net


@pytest.mark.slow
def test_two_workers_follow_one_of_twice_the_batch(two, one):
    assert [row[:2] for row in losses(two)] == [row[:2] for row in losses(one)]
    ours, theirs = ([row[2] for row in losses(folder)] for folder in (two, one))
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    for net in NETS:
        files = two / "Ckpt" / f"{net}_rank0.ckpt", one / "Ckpt" / f"{net}.ckpt"
        assert largest_difference(*files) <= WEIGHT_TOLERANCE, net


@pytest.mark.slow
def test_files_of_a_distributed_run(two):
    """Rank 0 alone writes what is shared: one row per step. Checkpoints are there for each rank."""
    steps = [("coarse", s) for s in range(COARSE_STEPS)] + [("fine", s) for s in range(FINE_STEPS)]
    assert [row[:2] for row in losses(two)] == steps
    shared = {"config.yaml", "curves.png", "metrics.csv", "state_coarse.ckpt", "state_fine.ckpt"}
    assert {path.name for path in two.iterdir()} == {"Ckpt", *shared}
    expected = {f"{net}_rank{rank}.ckpt" for net in NETS for rank in range(2)}
    assert {path.name for path in (two / "Ckpt").iterdir()} == expected


@pytest.mark.slow
def test_resume_after_a_rank_was_killed(train_two, two, tmp_path):
    """Rank 1 dies, rank 0 is stopped, the run goes on from its state to the very same weights."""
    output = tmp_path / "Model"
    process, logs = train_two(output, "--resume_steps", 1)
    kill_rank(logs, 1, after="training coarse net, step: 1 ")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 137, err
    assert "rank 1 failed with exit status 137; the end of" in err
    assert (logs / "status").read_text() == "137\n"
    assert not (output / "Ckpt" / "FinalCoarseNet_rank0.ckpt").exists()
    process, logs = train_two(output, "--resume_steps", 1, "--resume", "auto")
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    for rank in range(2):
        assert "resumed coarse at step" in (logs / f"rank_{rank}.log").read_text()
    for net in ("FinalCoarseNet", "FinalFineNet"):
        for rank in range(2):
            name = f"{net}_rank{rank}.ckpt"
            assert largest_difference(output / "Ckpt" / name, two / "Ckpt" / name) == 0, name


@pytest.mark.parametrize("size", [2, 4])
def test_shards_of_the_dataset(nyu, size):
    """In every epoch the ranks' shares are disjoint and, together, all of the pairs."""
    data = NyuTrain(nyu)
    streams = [SampleStream(data, 1, seed=5, rank=rank, size=size) for rank in range(size)]
    epochs = 3
    for epoch in range(epochs):
        steps = range(epoch * streams[0].steps_per_epoch, (epoch + 1) * streams[0].steps_per_epoch)
        names = [name for step in steps for stream in streams for name in stream.names(step)]
        assert len(names) == len(set(names)) == len(data) == 8


@pytest.mark.parametrize("size", [1, 8, 64, 1024])
def test_shards_of_many_ranks(size):
    """Any number of ranks sees, step by step, the samples of one rank with the global batch."""

    class Numbers:
        def __len__(self):
            return 2 * 1024 * 4

    batch = 4
    ranks = [SampleStream(Numbers(), batch, seed=1, rank=r, size=size) for r in range(size)]
    single = SampleStream(Numbers(), batch * size, seed=1)
    assert ranks[0].steps_per_epoch == single.steps_per_epoch == 2048 // size
    for step in (0, 1, single.steps_per_epoch, 3 * single.steps_per_epoch - 1):
        shares = [rank.indices(step) for rank in ranks]
        np.testing.assert_array_equal(np.concatenate(shares), single.indices(step))
