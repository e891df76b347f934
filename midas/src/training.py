"""Training on ReDWeb, or on several datasets of its kind."""

import os
import time
from pathlib import Path

from mindspore import nn

from .build import build_network
from .dataset import COLUMNS, training_data
from .loss import make_loss, nan_unless_finite
from .model_utils.checkpoint import keep_newest, load_parameters, save_parameters
from .model_utils.config import InputError, save_config
from .model_utils.device import setup
from .model_utils.modelarts import local_data, publish
from .model_utils.record import draw_curves
from .model_utils.step import make_train_step, mixed_precision, scaler_parameters
from .model_utils.stream import SampleStream
from .model_utils.trainer import Trainer

_ENCODER = "pretrained."
# What the original looks for in the data folder on ModelArts.
_MODELARTS_WEIGHTS = "midas_resnext_101_WSL.ckpt"


def train(config):
    """Train for epoch_size epochs (see config.yaml for every key).

    Raises:
        InputError: bad dataset, weights or resume state.
        RunError: the loss is not finite, or a file cannot be written.
    """
    device = setup(config)
    config.data_url = config.data_url or config.train_data_dir
    root = Path(local_data(config, device) if config.is_modelarts else config.train_data_dir)
    folder = Path(config.train_url)
    if device.is_main:
        # Not in train_url itself: that is this folder by default, where the defaults live.
        save_config(config, folder / "ckpt" / "config.yaml")
    data = training_data(config, root)
    stream = SampleStream(data, config.batch_size, config.seed, device.rank, device.size)
    net = build_network(config)
    start_weights(net, _weights_file(config, root))
    steps = config.epoch_size * stream.steps_per_epoch
    per_step = f"per_step_size={stream.steps_per_epoch},batchsize={config.batch_size}"
    print(f"Starting Training:{per_step},epoch={config.epoch_size}", flush=True)
    _fit(config, device, stream, net.set_train(), steps)
    if device.is_main:
        draw_curves(folder / "metrics.csv", folder / "curves.png")
    publish(config, device)


def _weights_file(config, root):
    """model_weights, on ModelArts also below the local copy of the data."""
    if config.is_modelarts and not Path(config.model_weights).is_file():
        copied = root / (config.model_weights or _MODELARTS_WEIGHTS)
        return copied if config.model_weights or copied.is_file() else ""
    return config.model_weights


def start_weights(net, path):
    """Load what training starts from: a converted encoder, a full checkpoint, or nothing.

    Args:
        net: MidasNet.
        path: .ckpt; empty leaves random values.
    Raises:
        InputError: bad file, or one that lacks part of the encoder.
    """
    if not path:
        print("no --model_weights: training starts from random values", flush=True)
        return
    missing = load_parameters(net, path, allow_missing=True)
    encoder = [name for name in missing if name.startswith(_ENCODER)]
    if encoder:
        few = f"{len(encoder)} parameters of the encoder, such as {encoder[0]}"
        raise InputError(f"{path} lacks {few}; convert.py writes checkpoints that fit")
    rest = f"the decoder's {len(missing)} parameters are random" if missing else "all parameters"
    print(f"loaded {path}: {rest}", flush=True)


def learning_rate(config, kind, steps):
    """Rate of one parameter group.

    Args:
        config: namespace with lr_decay, power, <kind>_params_lr and <kind>_params_end_lr.
        kind: "backbone" (the encoder) or "no_backbone".
        steps: of the whole training; the decay ends there.
    Returns:
        (what the optimizer takes, function of the step that gives the same number).
    """
    start, end = (getattr(config, f"{kind}_params_{name}") for name in ("lr", "end_lr"))
    if not config.lr_decay:
        return start, lambda step: start
    schedule = nn.PolynomialDecayLR(start, end, steps, config.power)

    def rate(step):
        return end + (start - end) * (1 - min(step, steps) / steps) ** config.power

    return schedule, rate


def make_optimizer(config, net, steps):
    """Adam with the encoder and the rest at their own rates (section 5 of the paper).

    Returns:
        (optimizer, function of the step that gives the rate of what is not the encoder).
    """
    encoder = [p for p in net.trainable_params() if p.name.startswith(_ENCODER)]
    rest = [p for p in net.trainable_params() if not p.name.startswith(_ENCODER)]
    slow, _ = learning_rate(config, "backbone", steps)
    fast, rate = learning_rate(config, "no_backbone", steps)
    groups = [{"params": encoder, "lr": slow}, {"params": rest, "lr": fast}]
    groups.append({"order_params": net.trainable_params()})
    return nn.Adam(groups, learning_rate=fast), rate


def _fit(config, device, stream, net, steps):
    loss = make_loss(config.loss, config.loss_alpha, config.loss_scales)
    cast, scaler = mixed_precision(net, config.amp_level, device)

    def forward(img, mask, depth):
        prediction = cast(img)
        return (nan_unless_finite(loss(prediction, mask, depth), prediction),)

    optimizer, rate = make_optimizer(config, net, steps)
    state = [*net.get_parameters(), *optimizer.get_parameters(), *scaler_parameters(scaler)]
    trainer = Trainer(config, device, config.train_url, "midas", stream, steps, state)
    step = make_train_step(forward, optimizer, device, scaler, config.jit_level)
    epochs = _Epochs(config, device, net, stream.steps_per_epoch, trainer.start, steps)
    trainer.fit(epochs.watch(step), COLUMNS, epochs.line, rate, epochs.after_step)


class _Epochs:
    """The original's log lines, and its checkpoints ckpt/Midas_<device>-<epoch>_<step>.ckpt."""

    def __init__(self, config, device, net, per_epoch, start, steps):
        self.config, self.device, self.net = config, device, net
        self.per_epoch, self.steps = per_epoch, steps
        self.folder = Path(config.train_url) / "ckpt"
        self.number = int(os.environ.get("DEVICE_ID", config.device_id))
        self.values, self.logged, self.first, self.began = None, None, start, time.perf_counter()

    def watch(self, step):
        """`step`, remembering what it returned for the line at the end of an epoch."""

        def watched(*batch):
            self.values = step(*batch)
            return self.values

        return watched

    def line(self, number, values, _seconds=0):
        """epoch: 1 step: 56, loss is 579.5216"""
        self.logged = number
        epoch, within = divmod(number, self.per_epoch)
        return f"epoch: {epoch + 1} step: {within + 1}, loss is {values[0]:.7g}"

    def after_step(self, done):
        """Log the end of an epoch, save when it is due."""
        if done % self.per_epoch == 0:
            if self.logged != done - 1:
                print(self.line(done - 1, [float(self.values[0].asnumpy())]), flush=True)
            now = time.perf_counter()
            spent, count = 1000 * (now - self.began), done - self.first
            times = f"epoch time: {spent:.3f} ms, per step time: {spent / count:.3f} ms"
            print(times, flush=True)
            self.began, self.first = now, done
        if self.device.is_main and (done % self.config.save_ckpt_steps == 0 or done == self.steps):
            epoch, within = divmod(done - 1, self.per_epoch)
            name = f"Midas_{self.number}-{epoch + 1}_{within + 1}.ckpt"
            save_parameters(self.net.get_parameters(), self.folder / name)
            keep_newest(self.folder, f"Midas_{self.number}-*.ckpt", self.config.keep_checkpoint_max)
