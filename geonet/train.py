"""Train GeoNet: python train.py --mode train_rigid --dataset_dir STRIPS --checkpoint_dir CKPT"""

from mindspore import nn
from src import monitoring
from src.datasets import open_strips
from src.forward import FlowForward, RigidForward, for_training
from src.losses import FlowLoss, RigidLoss
from src.model_utils.checkpoint import prefix_names
from src.model_utils.context import training
from src.model_utils.hooks import Csv
from src.model_utils.program import run
from src.model_utils.schedules import PolynomialDecay
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Stage
from src.model_utils.validation import BestModel, EvalStep, Panels, Validation
from src.networks import make_networks, needed_networks
from src.options import check_training
from src.weights import check_start, start_networks, trainable_variables


def main(config):
    """Train depth and poses (train_rigid) or optical flow (train_flow) on strips of video."""
    size, encoder = (config.img_height, config.img_width), config.dispnet_encoder
    check_training(config.mode, config.seq_length, size, encoder)
    start = config.init_ckpt_file, config.mode, config.flownet_type
    kind = {"dispnet_encoder": encoder, "seq_length": config.seq_length}
    shared = {**kind, "scale_normalize": config.scale_normalize}
    check_start(*start, **shared)
    with training(config) as context:
        device, (train, val) = context.device, open_data(config, context)
        ranks = device.rank, device.size
        stream = SampleStream(train, config.batch_size, config.seed, *ranks, config.shuffle)
        names = needed_networks(config.mode.removeprefix("train_"), config.flownet_type)
        kind |= {"flownet_type": config.flownet_type, "bn_decay": config.bn_decay}
        networks = make_networks(names, **kind)
        start_networks(networks, *start, **shared)
        prefix_names(networks)
        # A residual flow is learnt on top of a rigid one that stays as it is.
        trained = [name for name in names if config.mode == "train_rigid" or name == "flow_net"]
        computed, scaler = for_training(networks, trained, config.amp_level, device)
        variables = trainable_variables({name: networks[name] for name in trained})
        monitoring.say_variables(variables)
        steps, rate = config.max_steps - 1, config.learning_rate
        if config.lr_decay:
            rate = PolynomialDecay(rate, config.end_learning_rate, steps, config.power)
        optimizer = nn.Adam([*variables.values()], rate, beta1=0.9)
        forward = make_forward(config, computed)
        stage = Stage(config.mode, networks, optimizer, forward, steps, scaler)
        shown = EvalStep(make_forward(config, computed, True), networks, config.jit_level)
        context.trainer(stream).fit(stage, hooks(config, context, stage, shown, val))


def open_data(config, context):
    """The strips to learn from and those of the validation."""
    return open_strips(
        context.local(config.data_url or config.dataset_dir),
        img_height=config.img_height,
        img_width=config.img_width,
        seq_length=config.seq_length,
        random_scale_crop=config.random_scale_crop,
        random_color=config.random_color,
    )


def make_forward(config, networks, with_images=False):
    """Networks and loss of the mode."""
    if config.mode == "train_rigid":
        weights = config.rigid_warp_weight, config.disp_smooth_weight, config.alpha_recon_image
        return RigidForward(networks, RigidLoss(*weights), config.scale_normalize, with_images)
    loss = FlowLoss(
        config.flow_warp_weight,
        config.flow_smooth_weight,
        config.flow_consistency_weight,
        (config.flow_consistency_alpha, config.flow_consistency_beta),
        config.alpha_recon_image,
    )
    kind = config.flownet_type, config.scale_normalize, config.alpha_recon_image
    return FlowForward(networks, loss, *kind, with_images)


def hooks(config, context, stage, shown, val):
    """Log lines, weights now and then, validation with the best weights and panels, the CSV."""
    device, folder, every = context.device, context.folder, config.save_ckpt_freq
    saved = {"record": monitoring.weights_record(vars(config), stage.networks), "device": device}
    files = {"every": every, "keep": config.max_to_keep}
    found = [
        monitoring.IterationLine(config.log_steps),
        monitoring.model_files(stage.networks, folder, **files, **saved),
    ]
    if val is not None:
        few = min(config.batch_size, max(1, len(val) // device.size))
        batches = SampleStream(val, few, 0, device.rank, device.size, shuffle=False)
        loaders = {"device": device, "workers": config.num_parallel_workers}
        found += [
            Validation(shown, batches, due=monitoring.saves(every), **loaders),
            BestModel(stage.networks, folder / "model_best.ckpt", **saved),
            Panels(folder / "panels", monitoring.draw_panel, config.panel_count, device),
        ]
    return [*found, Csv(folder / "metrics.csv", config.log_steps, device)]


if __name__ == "__main__":
    run(main, __doc__)
