"""Train MiDaS: python train.py --train_data_dir DATA --model_weights midas_resnext_101_WSL.ckpt"""

from pathlib import Path

from mindspore import ops
from src.datasets.training import MixedPairs, training_pairs
from src.losses import make_loss
from src.model_utils.checkpoint import must_exist
from src.model_utils.context import training
from src.model_utils.errors import InputError
from src.model_utils.hooks import Checkpoints, Csv, EpochLine, LogLine
from src.model_utils.program import run
from src.model_utils.schedules import PolynomialDecay
from src.model_utils.step import mixed_precision
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Stage
from src.networks import MidasNet
from src.optimizers import make_optimizer
from src.transforms import network_size
from src.weights import start_weights

MODELARTS_WEIGHTS = "midas_resnext_101_WSL.ckpt"


def main(config):
    """Train for epoch_size epochs on one or several datasets of relative inverse depth."""
    if config.keep_aspect_ratio:
        raise InputError("keep_aspect_ratio: training batches need False, images of one size")
    # Not saved in train_url itself: that is this folder by default, where the defaults are.
    with training(config, saved="ckpt/config.yaml") as context:
        root, device = context.local(config.data_url or config.train_data_dir), context.device
        weights = weights_file(config, root)
        samples = training_samples(config, root)
        stream = SampleStream(samples, config.batch_size, config.seed, device.rank, device.size)
        steps = config.epoch_size * stream.steps_per_epoch
        network = MidasNet(
            layers=config.layers,
            features=config.features,
            groups=config.groups,
            width_per_group=config.width_per_group,
            network_variant=config.network_variant,
            grouped_conv=config.grouped_conv,
        )
        start_weights(network, weights)
        midas, scaler = mixed_precision(network.set_train(), config.amp_level, device)
        loss = make_loss(config.loss, config.loss_alpha, config.loss_scales)

        def forward(img, mask, depth):
            prediction = midas(img)
            # Not left to the loss: what it makes of an infinite prediction is up to the device.
            return {"loss": loss(prediction, mask, depth), "finite": ops.isfinite(prediction).all()}

        def rate(start, end):
            return PolynomialDecay(start, end, steps, config.power) if config.lr_decay else start

        optimizer = make_optimizer(
            network,
            encoder_rate=rate(config.backbone_params_lr, config.backbone_params_end_lr),
            rate=rate(config.no_backbone_params_lr, config.no_backbone_params_end_lr),
        )
        stage = Stage("midas", {"midas": network}, optimizer, forward, steps, scaler)
        per_step = f"per_step_size={stream.steps_per_epoch},batchsize={config.batch_size}"
        print(f"Starting Training:{per_step},epoch={config.epoch_size}", flush=True)
        context.trainer(stream).fit(stage, hooks(config, context, network))


def weights_file(config, root):
    """model_weights; on ModelArts the data may hold them, also under the original's name."""
    path = config.model_weights
    copied = root / (path or MODELARTS_WEIGHTS)
    if config.is_modelarts and not Path(path).is_file() and (path or copied.is_file()):
        path = copied
    if path:
        must_exist(path)
    return path


def training_samples(config, root):
    """The pairs of mixdata.json or train_list, at one size."""
    lists = {"mixdata": config.mixdata, "train_list": config.train_list}
    aim = config.img_width, config.img_height
    rule = {"method": config.resize_method, "multiple_of": config.ensure_multiple_of}
    return MixedPairs(
        training_pairs(root, **lists, skip_bad=config.skip_bad_samples),
        size=network_size(aim, aim, **rule),
        mean=config.nm_img_mean,
        std=config.nm_img_std,
        mask_invalid=config.mask_invalid,
        flip_probability=config.flip_probability,
    )


def hooks(config, context, network):
    """The original's log lines and checkpoints, and metrics.csv."""

    def place(moment):
        epoch, step = divmod(moment.step, moment.steps_per_epoch)
        return epoch + 1, step + 1

    def line(report):
        epoch, step = place(report)
        return f"epoch: {epoch} step: {step}, loss is {report.values['loss']:.7g}"

    prefix, folder = f"Midas_{context.device.number}-", context.folder / "ckpt"
    log = LogLine(line, config.log_steps)
    checkpoints = Checkpoints(
        {"midas": network},
        due=lambda moment: moment.done % config.save_ckpt_steps == 0 or moment.is_last,
        path=lambda moment: folder / "{}{}_{}.ckpt".format(prefix, *place(moment)),
        pattern=f"{prefix}*.ckpt",
        keep=config.keep_checkpoint_max,
        record={"size": [config.img_width, config.img_height], "options": network.options},
        active=context.device.is_main,
    )
    table = Csv(context.folder / "metrics.csv", config.log_steps, context.device)
    return [log, EpochLine(line, log), table, checkpoints]


if __name__ == "__main__":
    run(main, __doc__)
