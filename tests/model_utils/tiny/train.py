"""Train two small networks through the shared loop."""

import time
import zlib

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from src.model_utils import trainer as loop
from src.model_utils.checkpoint import prefix_names
from src.model_utils.context import training
from src.model_utils.hooks import Checkpoints, Csv, LogLine
from src.model_utils.program import run
from src.model_utils.step import amp, mixed_precision
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Stage
from src.model_utils.validation import BestModel, EvalStep, Panels, Validation

NEVER = 10**9


class Samples:
    """Rows of a fixed linear problem with noise from the sample's own and the batch's generator."""

    def __init__(self, count, wait, poison=-1):
        self.x = np.random.default_rng(0).standard_normal((count, 4)).astype(np.float32)
        self.wait, self.poison = wait, poison

    def __len__(self):
        return len(self.x)

    def name(self, index):
        return f"row-{index}"

    def draw_batch(self, rng):
        return rng.uniform(0.9, 1.1)

    def load(self, index, rng, scale):
        time.sleep(self.wait)
        x = scale * self.x[index] + 0.01 * rng.standard_normal(4)
        x = np.full(4, np.nan) if index == self.poison else x
        return {"x": np.float32(x), "y": np.float32(x.sum(keepdims=True))}


def main(config):
    """One or two stages, validated where that is asked for."""
    reads = watch_reads()
    with training(config) as context:
        device = context.device
        samples = Samples(config.samples, config.wait)
        stream = SampleStream(samples, config.batch_size, config.seed, device.rank, device.size)
        if config.poison_step >= 0 and device.rank == device.size - 1:
            samples.poison = int(stream.indices(config.poison_step)[0])
        # Built separately, so that both have a parameter 0.weight.
        encoder = nn.SequentialCell(nn.Dense(4, 3), nn.BatchNorm1d(3), nn.Tanh())
        decoder = nn.SequentialCell(nn.Dense(3, 1))
        networks = {"encoder": encoder.set_train(), "decoder": decoder.set_train()}
        prefix_names(networks)
        trainer = context.trainer(stream)
        for make in (first_stage, second_stage)[: config.stages]:
            stage = make(config, networks, device)
            trainer.fit(stage, hooks(config, context, stage))
        if config.show_digest:
            print(f"digest {digest(stage)} loss scale {scale(stage)}", flush=True)
    if config.show_reads:
        print(f"read after steps {reads}")
    print("finished")


def digest(stage):
    """A number that tells whether two ranks have the same weights and moments.

    Moving statistics are left out: they are those of a rank's own batches.
    """
    found = [p for p in stage.parameters() if "moving_" not in p.name]
    found.sort(key=lambda parameter: parameter.name)
    return zlib.crc32(b"".join(parameter.asnumpy().tobytes() for parameter in found))


def scale(stage):
    """The loss scale, 1 without a scaler."""
    return 1 if stage.scaler is None else float(stage.scaler.scale_value.asnumpy())


def watch_reads():
    """The numbers of the steps after which something was read from the device, as they come."""
    reads, steps, read = [], [], ms.Tensor.asnumpy

    class Step(loop.TrainStep):
        def __call__(self, *arguments):
            super().__call__(*arguments)
            steps.append(len(steps))

    def asnumpy(tensor):
        if steps and steps[-1] not in reads:
            reads.append(steps[-1])
        return read(tensor)

    loop.TrainStep, ms.Tensor.asnumpy = Step, asnumpy
    return reads


def first_stage(config, networks, device):
    """Both networks, with a second term and a flag beside the loss."""
    encoder, scaler = mixed_precision(networks["encoder"], config.amp_level, device)
    decoder, _ = mixed_precision(networks["decoder"], config.amp_level, device)
    if config.overflow_step >= 0:
        mine = device.rank == config.overflow_rank
        # One graph on all ranks: of different ones the exchanges may come in different orders.
        amp.all_finite = forced_status(config.overflow_step if mine else NEVER, amp.all_finite)
    flagged, steep = config.finite_flag_step, config.bad_gradient_step
    count = ms.Parameter(ms.Tensor(-1, ms.int32), name="forward_passes", requires_grad=False)
    one, add = ms.Tensor(1, ms.int32), ops.AssignAdd()
    bias = networks["decoder"][0].bias  # not of `decoder`, which float16 wraps

    def forward(x, y):
        error = ((decoder(encoder(x)).astype(ms.float32) - y) ** 2).mean()
        number = add(count, one)
        # The root of 0 has an infinite slope, and 0 times that is not a number.
        zero = (bias - ops.stop_gradient(bias)).sum() ** 2
        error = error + 0 * ops.sqrt(zero + (number != steep).astype(ms.float32))
        return {"loss": error, "twice": error * 2, "finite": number != flagged}

    parameters = [*encoder.trainable_params(), *decoder.trainable_params()]
    optimizer = nn.Adam(parameters, learning_rate=config.learning_rate)
    return Stage("tiny", networks, optimizer, forward, config.steps, scaler)


def second_stage(config, networks, device):
    """The decoder alone, with other terms."""
    encoder, decoder = networks["encoder"].set_train(False), networks["decoder"]

    def forward(x, y):
        error = (decoder(ops.stop_gradient(encoder(x))) - y).abs().mean()
        return {"loss": error, "half": error / 2}

    optimizer = nn.Adam(decoder.trainable_params(), learning_rate=config.learning_rate)
    return Stage("second", networks, optimizer, forward, config.steps)


def forced_status(first, status):
    """A status that says overflow from the step `first` on, whatever the gradients are."""
    count = ms.Parameter(ms.Tensor(-1, ms.int32), name="status_reads", requires_grad=False)
    one, add, both = ms.Tensor(1, ms.int32), ops.AssignAdd(), ops.LogicalAnd()

    def forced(gradients):
        return both(status(gradients), add(count, one) < first)

    return forced


def hooks(config, context, stage):
    """All of them."""
    device, folder = context.device, context.folder
    encoder, decoder = stage.networks["encoder"], stage.networks["decoder"]

    def validated(x, y):
        prediction = decoder(encoder(x))
        return {"loss": ((prediction - y) ** 2).mean(), "map": prediction}

    found = [LogLine(lambda r: f"step {r.step} loss {r.values['loss']:.5f}", config.log_steps)]
    if config.validate_steps:
        held_out = SampleStream(
            Samples(8, 0.0), 2, config.seed, device.rank, device.size, shuffle=False
        )
        found += [
            Validation(
                EvalStep(validated, stage.networks),
                held_out,
                due=lambda moment: moment.done % config.validate_steps == 0,
                device=device,
            ),
            BestModel(stage.networks, folder / f"best_{stage.name}", device=device),
            Panels(folder / "panels", draw, 2, device),
        ]
    return [
        *found,
        Csv(folder / "metrics.csv", config.log_steps, device),
        Checkpoints(
            stage.networks,
            due=lambda moment: config.save_steps and moment.done % config.save_steps == 0,
            path=lambda moment: folder / "models" / f"weights_{stage.name}_{moment.done}",
            pattern=f"weights_{stage.name}_*",
            keep=2,
            active=device.is_main,
        ),
    ]


def draw(sample):
    """An image whose brightness is the prediction."""
    return np.full((8, 8, 3), np.clip(100 + 20 * float(sample["map"][0]), 0, 255), np.uint8)


if __name__ == "__main__":
    run(main, __doc__)
