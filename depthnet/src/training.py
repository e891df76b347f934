"""Training in two stages: CoarseNet, then FineNet behind the frozen CoarseNet."""

from pathlib import Path

from mindspore import nn, ops

from .dataset import NyuTrain
from .loss import DepthLoss
from .model_utils.checkpoint import keep_newest, load_parameters, save_parameters
from .model_utils.config import save_config
from .model_utils.device import setup
from .model_utils.modelarts import local_data, publish
from .model_utils.record import draw_curves
from .model_utils.step import make_train_step, mixed_precision, scaler_parameters
from .model_utils.stream import SampleStream
from .model_utils.trainer import Trainer
from .network import CoarseNet, FineNet


def train(config):
    """Train the stages that `config.stage` names (see config.yaml for every key).

    Raises:
        InputError: bad dataset, checkpoint or resume state.
        RunError: the loss is not finite, or a file cannot be written.
    """
    device = setup(config)
    folder = local_data(config, device)
    if device.is_main:
        save_config(config, Path(config.train_url) / "config.yaml")
    data = NyuTrain(folder, config.mask_invalid, config.skip_bad_samples)
    batch = config.distributed_batch_size if config.run_distribute else config.batch_size
    stream = SampleStream(data, batch, config.seed, device.rank, device.size)
    print(f"{len(data)} samples, {stream.steps_per_epoch} steps an epoch", flush=True)
    run = _Run(config, device, stream)
    coarse = CoarseNet()
    if config.stage in ("coarse", "both"):
        run.coarse(coarse)
    if config.stage in ("fine", "both"):
        run.fine(coarse, FineNet())
    if device.is_main:
        metrics = Path(config.train_url) / "metrics.csv"
        draw_curves(metrics, metrics.with_name("curves.png"))
    publish(config, device)


class _Run:
    """What the two stages share."""

    def __init__(self, config, device, stream):
        self.config, self.device, self.stream = config, device, stream
        self.folder = Path(config.train_url)
        self.suffix = f"_rank{device.rank}" if config.run_distribute else ""

    def checkpoint(self, name):
        """Ckpt/<name>[_rank<r>].ckpt, as the original's commands expect."""
        return self.folder / "Ckpt" / f"{name}{self.suffix}.ckpt"

    def coarse(self, net):
        config = self.config
        rate = config.learning_rate_max
        if config.pre_trained != "0":
            default = self.folder / "PreTrained" / "pre_trained.ckpt"
            load_parameters(net, default if config.pre_trained == "1" else config.pre_trained)
            rate = config.learning_rate_min
        if config.continue_training:
            load_parameters(net, self.checkpoint("FinalCoarseNet"))
        loss = DepthLoss(config.mask_invalid)
        cast, scaler = mixed_precision(net, config.amp_level, self.device)

        def forward(rgb, depth):
            return (loss(cast(rgb), depth),)

        steps = config.coarse_net_train_step or config.epochs_coarse * self.stream.steps_per_epoch
        self._fit("coarse", net, forward, scaler, rate, steps)

    def fine(self, coarse, net):
        config = self.config
        load_parameters(coarse, self.checkpoint("FinalCoarseNet"))
        for parameter in coarse.get_parameters():
            parameter.name = f"frozen.{parameter.name}"  # a graph wants distinct names
        loss = DepthLoss(config.mask_invalid)
        frozen, _ = mixed_precision(coarse.set_train(False), config.amp_level, self.device)
        cast, scaler = mixed_precision(net, config.amp_level, self.device)

        def forward(rgb, depth):
            # Unclipped, as in evaluation; the original clips the log-depth to 0.1..10 here.
            return (loss(cast(rgb, ops.stop_gradient(frozen(rgb))), depth),)

        steps = config.fine_net_train_step or config.epochs_fine * self.stream.steps_per_epoch
        self._fit("fine", net, forward, scaler, config.learning_rate_min, steps)

    def _fit(self, stage, net, forward, scaler, rate, steps):
        config = self.config
        name = f"{stage.capitalize()}Net"
        optimizer = nn.Adam(net.trainable_params(), learning_rate=rate)
        state = [*net.get_parameters(), *optimizer.get_parameters(), *scaler_parameters(scaler)]
        trainer = Trainer(config, self.device, self.folder, stage, self.stream, steps, state)
        step = make_train_step(forward, optimizer, self.device, scaler, config.jit_level)

        def after_step(done):
            if (done - 1) % config.save_ckpt_steps == 0:
                save_parameters(net.get_parameters(), self.checkpoint(f"{name}_{done - 1}"))
                pattern = f"{name}_*[0-9]{self.suffix}.ckpt"
                keep_newest(self.folder / "Ckpt", pattern, config.keep_checkpoint_max)

        def line(number, values, seconds):
            text = f"training {stage} net, step: {number} loss: {values[0]:.6f}"
            return f"{text} time cost: {seconds:.4f}"

        trainer.fit(step, NyuTrain.columns, line, lambda _: rate, after_step)
        final = self.checkpoint(f"Final{name}")
        save_parameters(net.get_parameters(), final)
        print(f"saved {final}", flush=True)
