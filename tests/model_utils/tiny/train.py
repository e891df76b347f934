"""Train one layer through the shared loop."""

import time
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn
from src.model_utils.config import run
from src.model_utils.device import setup
from src.model_utils.step import make_train_step, mixed_precision, scaler_parameters
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Trainer


class Samples:
    """Rows of a fixed linear problem with noise from the sample's own generator."""

    def __init__(self, config):
        self.x = np.random.default_rng(0).standard_normal((config.samples, 4)).astype(np.float32)
        self.wait = config.wait

    def __len__(self):
        return len(self.x)

    def name(self, index):
        return f"row-{index}"

    def load(self, index, rng):
        time.sleep(self.wait)
        x = self.x[index] + np.float32(0.01 * rng.standard_normal(4))
        return x, np.float32(x.sum(keepdims=True))


class Poisoned(Samples):
    """One row is not a number."""

    def __init__(self, config, index):
        super().__init__(config)
        self.x[index] = np.nan


def main(config):
    device = setup(config)
    samples = Samples(config)
    stream = SampleStream(samples, config.batch_size, config.seed)
    if config.poison_step >= 0:
        bad = int(stream.indices(config.poison_step)[0])
        stream = SampleStream(Poisoned(config, bad), config.batch_size, config.seed)
    net = nn.SequentialCell(nn.Dense(4, 3), nn.Tanh(), nn.Dense(3, 1))
    cast, scaler = mixed_precision(net, config.amp_level, device)
    optimizer = nn.Adam(net.trainable_params(), learning_rate=0.1)

    def forward(x, y):
        error = ((cast(x).astype(ms.float32) - y) ** 2).mean()
        return error, error * 2

    state = [*net.get_parameters(), *optimizer.get_parameters(), *scaler_parameters(scaler)]
    out = Path(config.train_url)
    trainer = Trainer(config, device, out, "tiny", stream, config.steps, state, ("twice",))
    step = make_train_step(forward, optimizer, device, scaler)
    trainer.fit(step, ("x", "y"), lambda n, v, s: f"step {n} loss {v[0]:.5f}", lambda _: 0.1)
    print("finished")


if __name__ == "__main__":
    run(main, __doc__)
