"""Train DepthNet on NYU: python train.py --data_url NYU --device_id 0"""

from mindspore import nn, ops
from src.datasets import NyuTrain
from src.losses import DepthLoss
from src.model_utils.checkpoint import load_networks, must_exist, prefix_names, save_networks
from src.model_utils.context import training
from src.model_utils.hooks import Checkpoints, Csv, LogLine
from src.model_utils.program import run
from src.model_utils.step import mixed_precision
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Stage
from src.networks import CoarseNet, FineNet
from src.transforms import IMAGE_SIZE

NAMES = {"coarse": "CoarseNet", "fine": "FineNet"}
RECORD = {"size": IMAGE_SIZE[::-1]}  # in every checkpoint: (width, height) of the input


def main(config):
    """Train the stages that config.stage names: CoarseNet, then FineNet on its frozen output."""
    with training(config) as context:
        must_exist(*start_files(config, context))
        folder, device = context.local(config.data_url), context.device
        data = NyuTrain(folder, config.mask_invalid, config.skip_bad_samples)
        batch = config.distributed_batch_size if config.run_distribute else config.batch_size
        stream = SampleStream(data, batch, config.seed, rank=device.rank, size=device.size)
        print(f"{len(data)} samples, {stream.steps_per_epoch} steps per epoch", flush=True)
        trainer = context.trainer(stream)
        stages = {"coarse": coarse_stage, "fine": fine_stage}
        for name in stages if config.stage == "both" else [config.stage]:
            stage = stages[name](config, context, stream.steps_per_epoch)
            trainer.fit(stage, hooks(config, context, stage))
            final = checkpoint(config, context, f"Final{NAMES[name]}")
            save_networks(stage.networks, final, {**RECORD, "step": stage.steps})
            print(f"saved {final}", flush=True)


def coarse_stage(config, context, steps_per_epoch):
    """CoarseNet from random values, from given weights, or from an earlier training."""
    networks, rate = {"coarse": CoarseNet()}, config.learning_rate_max
    for path in start_files(config, context):
        load_networks(networks, path)
    if config.pre_trained != "0":
        rate = config.learning_rate_min
    loss = DepthLoss(config.mask_invalid)
    coarse, scaler = mixed_precision(networks["coarse"], config.amp_level, context.device)

    def forward(rgb, depth):
        return {"loss": loss(coarse(rgb), depth)}

    optimizer = nn.Adam(networks["coarse"].trainable_params(), learning_rate=rate)
    steps = config.coarse_net_train_step or config.epochs_coarse * steps_per_epoch
    return Stage("coarse", networks, optimizer, forward=forward, steps=steps, scaler=scaler)


def fine_stage(config, context, steps_per_epoch):
    """FineNet, which sees the image and the map of the frozen CoarseNet."""
    frozen, networks = {"frozen": CoarseNet().set_train(False)}, {"fine": FineNet()}
    load_networks(frozen, checkpoint(config, context, "FinalCoarseNet"))
    prefix_names(frozen)
    loss = DepthLoss(config.mask_invalid)
    coarse, _ = mixed_precision(frozen["frozen"], config.amp_level, context.device)
    fine, scaler = mixed_precision(networks["fine"], config.amp_level, context.device)

    def forward(rgb, depth):
        # Unclipped, as in evaluation; the original clips the log-depth to 0.1..10 here.
        return {"loss": loss(fine(rgb, ops.stop_gradient(coarse(rgb))), depth)}

    rate = config.learning_rate_min
    optimizer = nn.Adam(networks["fine"].trainable_params(), learning_rate=rate)
    steps = config.fine_net_train_step or config.epochs_fine * steps_per_epoch
    return Stage("fine", networks, optimizer, forward=forward, steps=steps, scaler=scaler)


def start_files(config, context):
    """The checkpoints that the first stage starts from, in the order in which they are loaded."""
    final = checkpoint(config, context, "FinalCoarseNet")
    if config.stage == "fine":
        return [final]
    default = context.folder / "PreTrained" / "pre_trained.ckpt"
    given = {"0": [], "1": [default]}.get(config.pre_trained, [config.pre_trained])
    return given + ([final] if config.continue_training else [])


def checkpoint(config, context, name):
    """Ckpt/<name>[_rank<r>].ckpt, as the original's commands expect."""
    suffix = f"_rank{context.device.rank}" if config.run_distribute else ""
    return context.folder / "Ckpt" / f"{name}{suffix}.ckpt"


def hooks(config, context, stage):
    """The original's log lines and checkpoints, and metrics.csv."""
    name = NAMES[stage.name]

    def line(report):
        text = f"training {report.stage} net, step: {report.step}"
        return f"{text} loss: {report.values['loss']:.6f} time cost: {report.seconds:.4f}"

    return [
        LogLine(line, config.log_steps),
        Csv(context.folder / "metrics.csv", config.log_steps, context.device),
        Checkpoints(
            stage.networks,
            due=lambda moment: moment.step % config.save_ckpt_steps == 0,
            path=lambda moment: checkpoint(config, context, f"{name}_{moment.step}"),
            pattern=checkpoint(config, context, f"{name}_*[0-9]").name,
            keep=config.keep_checkpoint_max,
            record=RECORD,
        ),
    ]


if __name__ == "__main__":
    run(main, __doc__)
