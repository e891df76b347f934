"""MiDaS on two CPU workers: averaged gradients, shards, files of rank 0, resume.

Batch norm takes its statistics from a rank's own samples, so two workers do not follow one of twice
the batch; they follow the mean of the two gradients, which the test computes in its own process.
"""

import mindspore as ms
import numpy as np
import pytest

from midas.src.datasets.training import MixedPairs, training_pairs
from midas.src.losses import make_loss
from midas.src.model_utils.checkpoint import save_parameters
from midas.src.model_utils.config import read_options
from midas.src.model_utils.stream import SampleStream
from midas.src.optimizers import make_optimizer
from midas.src.weights import start_weights
from tests.conftest import REPOSITORY
from tests.midas.small import SMALL, small_network
from tests.scripts.data_parallel import RealLaunchers, kill_rank, largest_difference, losses
from tests.scripts.data_parallel import weights as read_weights
from tests.synthetic.__main__ import main as render

pytestmark = pytest.mark.slow

BATCH, EPOCHS, STEPS_PER_EPOCH = 2, 4, 2
SEED = 3
FLAGS = (
    *(*SMALL, "--img_width", 64, "--img_height", 64, "--batch_size", BATCH, "--epoch_size", EPOCHS),
    *("--log_steps", 1, "--num_parallel_workers", 1, "--seed", SEED),
    *("--save_ckpt_steps", STEPS_PER_EPOCH, "--keep_checkpoint_max", 0),
)
DEFAULTS = read_options(REPOSITORY / "midas" / "config.yaml").defaults


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder for --train_data_dir: 8 small ReDWeb pairs."""
    out = tmp_path_factory.mktemp("redweb") / "data"
    size = ["--height", "60", "--width", "80", "--workers", "1"]
    render(["redweb", str(out), "--images", "8", *size])
    return out


@pytest.fixture(scope="module")
def samples(data):
    """The samples of the runs."""
    image = {"mean": DEFAULTS["nm_img_mean"], "std": DEFAULTS["nm_img_std"], "size": (64, 64)}
    target = {key: DEFAULTS[key] for key in ("mask_invalid", "flip_probability")}
    return MixedPairs(training_pairs(data, mixdata="mixdata.json"), **image, **target)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A checkpoint of the encoder alone: the decoder is left to the seed."""
    parameters = small_network(seed=8).get_parameters()
    path = tmp_path_factory.mktemp("weights") / "encoder.ckpt"
    save_parameters([p for p in parameters if p.name.startswith("pretrained.")], path)
    return path


@pytest.fixture(scope="module")
def train_two(program, data, encoder, tmp_path_factory):
    """train_two(output, *flags) starts two workers; returns (Popen, folder of logs)."""

    def start(output, *flags):
        logs = tmp_path_factory.mktemp("logs")
        launchers = RealLaunchers(program("midas"), logs)
        call = ("midas", 2, encoder, "--train_data_dir", data, "--train_url", output)
        return launchers.start("run_distribute_train", *call, *FLAGS, *flags), logs

    return start


@pytest.fixture(scope="module")
def two(train_two, tmp_path_factory):
    """Output folder of an uninterrupted run of two workers."""
    output = tmp_path_factory.mktemp("two") / "out"
    process, _ = train_two(output)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    return output


@pytest.fixture(scope="module")
def reference(samples, encoder):
    """One epoch by hand: each rank's loss and gradient, their means, Adam.

    Returns:
        (mean loss of each step, {name: trained parameter}).
    """
    ms.set_context(mode=ms.GRAPH_MODE)
    net = small_network(SEED)
    start_weights(net, str(encoder))
    net.set_train()
    loss = make_loss(DEFAULTS["loss"], DEFAULTS["loss_alpha"], DEFAULTS["loss_scales"])
    optimizer = make_optimizer(
        net,
        encoder_rate=DEFAULTS["backbone_params_lr"],
        rate=DEFAULTS["no_backbone_params_lr"],
    )

    def forward(image, mask, depth):
        return loss(net(image), mask, depth)

    gradients_of = ms.jit(ms.value_and_grad(forward, None, optimizer.parameters))
    streams = [SampleStream(samples, BATCH, SEED, rank, 2) for rank in range(2)]
    means = []
    for step in range(STEPS_PER_EPOCH):
        values, gradients = zip(*(gradients_of(*_batch(stream, step)) for stream in streams))
        means.append(np.mean([float(value.asnumpy()) for value in values]))
        optimizer(tuple((first + second) / 2 for first, second in zip(*gradients)))
    trained = {p.name: p.asnumpy().astype(np.float64) for p in net.trainable_params()}
    return means, trained


def _batch(stream, step):
    """What MindSpore's pipeline gives a rank in the first epoch."""
    found = [
        stream.samples.load(int(index), np.random.default_rng([stream.seed, 0, int(index)]))
        for index in stream.indices(step)
    ]
    columns = [[sample[name] for sample in found] for name in ("img", "mask", "depth")]
    return [ms.Tensor(np.stack(column)) for column in columns]


def test_two_workers_take_the_mean_gradient(two, reference):
    """Losses show rank 1's weights too: they are means over both ranks' own networks."""
    means, trained = reference
    found = [loss for _, _, loss in losses(two)[:STEPS_PER_EPOCH]]
    np.testing.assert_allclose(found, means, rtol=1e-5)
    saved = read_weights(two / "ckpt" / f"Midas_0-1_{STEPS_PER_EPOCH}.ckpt")
    largest = max(np.abs(saved[name] - value).max() for name, value in trained.items())
    # A step of Adam at 1e-4 moves a weight by that much: unaveraged gradients would show as 1e-4.
    assert largest <= 1e-5


def test_files_of_a_distributed_run(two):
    """Rank 0 alone writes: one row per step, and no checkpoint of device 1."""
    assert [step for _, step, _ in losses(two)] == list(range(EPOCHS * STEPS_PER_EPOCH))
    names = {path.name for path in (two / "ckpt").iterdir()}
    epochs = {f"Midas_0-{epoch + 1}_{STEPS_PER_EPOCH}.ckpt" for epoch in range(EPOCHS)}
    assert names == {"config.yaml", *epochs}
    shared = {"ckpt", "curves.png", "metrics.csv", "state_midas.ckpt"}
    assert {path.name for path in two.iterdir()} == shared


def test_resume_after_a_rank_was_killed(train_two, two, tmp_path):
    """Rank 1 dies, rank 0 is stopped, the run goes on from its state to the very same weights."""
    output = tmp_path / "out"
    process, logs = train_two(output, "--resume_steps", 1)
    kill_rank(logs, 1, after="epoch: 1 step: 2, loss is")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 137, err
    assert "rank 1 failed with exit status 137; the end of" in err
    final = f"Midas_0-{EPOCHS}_{STEPS_PER_EPOCH}.ckpt"
    assert not (output / "ckpt" / final).exists()
    process, logs = train_two(output, "--resume_steps", 1, "--resume", "auto")
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    for rank in range(2):
        assert "resumed midas at step" in (logs / f"rank_{rank}.log").read_text()
    assert largest_difference(output / "ckpt" / final, two / "ckpt" / final) == 0
    assert losses(output) == losses(two)


@pytest.mark.parametrize("size", [2, 4])
def test_shards_of_the_dataset(samples, size):
    """In every epoch the ranks' shares are disjoint and, together, all of the pairs."""
    streams = [SampleStream(samples, 1, seed=5, rank=rank, size=size) for rank in range(size)]
    per_epoch = streams[0].steps_per_epoch
    for epoch in range(3):
        steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
        names = [name for step in steps for stream in streams for name in stream.names(step)]
        assert len(names) == len(set(names)) == len(samples) == 8
