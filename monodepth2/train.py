"""Train Monodepth2: python train.py --data_path KITTI --model_name mono_model"""

from src import monitoring
from src.datasets import Camera, open_samples
from src.forward import Forward, for_training
from src.losses import Reprojection, ViewSynthesisLoss, tie_break_noise
from src.model_utils.checkpoint import prefix_names
from src.model_utils.context import training
from src.model_utils.hooks import Csv, LogLine
from src.model_utils.program import run
from src.model_utils.stream import SampleStream
from src.model_utils.trainer import Stage
from src.model_utils.validation import BestModel, EvalStep, Panels, Validation
from src.networks import Motion, make_networks, source_frames
from src.optimizers import Adam, StepDecay
from src.options import check_masks, check_poses, check_sizes
from src.weights import AdamState, check_start, load_adam, start_networks


def main(config):
    """Train on video, on stereo pairs, or on both, for num_epochs epochs."""
    sources = source_frames(config.frame_ids, config.use_stereo)
    size, limits = (config.height, config.width), (config.min_depth, config.max_depth)
    check_sizes(size, config.scales, limits)
    check_poses(config.pose_model_type, config.use_stereo)
    check_masks(config.predictive_mask, config.disable_automasking)
    check_start(config.weights_init, config.load_weights_folder, config.num_layers)
    with training(config, saved="models/opt.json", name=config.model_name) as context:
        monitoring.say_where(config.model_name, config.train_url)
        device, samples = context.device, open_data(config, context, sources)
        ranks = device.rank, device.size
        stream = SampleStream(samples.train, config.batch_size, config.seed, *ranks)
        steps = config.num_epochs * stream.steps_per_epoch
        networks = make_networks(
            num_layers=config.num_layers,
            scales=config.scales,
            sources=sources,
            pose_model_type=config.pose_model_type,
            pose_model_input=config.pose_model_input,
            predictive_mask=config.predictive_mask,
        )
        folder = config.load_weights_folder
        start_networks(networks, config.weights_init, folder, config.models_to_load)
        prefix_names(networks)
        computed, scaler = for_training(networks, not config.freeze_bn, config.amp_level, device)
        motion = Motion(computed, sources, config.pose_model_type, config.pose_model_input)
        loss = make_loss(config, sources, motion)
        drop = config.scheduler_step_size * stream.steps_per_epoch
        parameters = [p for network in networks.values() for p in network.trainable_params()]
        optimizer = Adam(parameters, StepDecay(config.learning_rate, drop, steps))
        load_adam(optimizer, folder)
        forward = Forward(computed, motion, loss, sources)
        stage = Stage("monodepth2", networks, optimizer, forward, steps, scaler)
        shown = EvalStep(Forward(computed, motion, loss, sources, True), networks, config.jit_level)
        context.trainer(stream).fit(stage, hooks(config, context, stage, shown, samples))


def open_data(config, context, sources):
    """The samples to learn from and those of the validation."""
    lists = {"dataset": config.dataset, "split": config.split, "split_dir": config.split_dir}
    size = {"height": config.height, "width": config.width, "scales": config.scales}
    return open_samples(
        context.local(config.data_url or config.data_path),
        sources=sources,
        v1_multiscale=config.v1_multiscale,
        seen=[0, *sources] if config.pose_model_type == "shared" else None,
        png=config.png,
        skip_bad=config.skip_bad_samples,
        camera=Camera(config.intrinsics, config.field_of_view, config.baseline),
        frame_step=config.frame_step,
        val_share=config.val_share,
        cache=context.folder / "frames",
        **lists,
        **size,
    )


def make_loss(config, sources, motion):
    """Reprojection with its mask, and smoothness."""
    size = config.batch_size, len(sources), config.height, config.width
    noise = None if config.disable_automasking else tie_break_noise(config.seed, *size)
    kind = {"average": config.avg_reprojection, "use_ssim": not config.no_ssim}
    return ViewSynthesisLoss(
        Reprojection(noise, align_corners=config.align_corners, **kind),
        scales=config.scales,
        disparity_smoothness=config.disparity_smoothness,
        limits=(config.min_depth, config.max_depth),
        inverted=motion.inverted,
        at_each_scale=config.v1_multiscale,
        scaled_motion=config.pose_model_type == "posecnn",
    )


def hooks(config, context, stage, shown, samples):
    """Log lines, monitor batches, validation, weights of each epoch and the best, panels."""
    device, folder, every = context.device, context.folder, config.log_steps
    limits = config.min_depth, config.max_depth
    record = monitoring.weights_record(vars(config), samples.metric_scale)
    networks = {**stage.networks, "adam": AdamState(stage.optimizer)}
    saved = {"record": record, "device": device}
    few = min(config.batch_size, max(1, len(samples.val) // device.size))
    batches = SampleStream(samples.val, few, 0, device.rank, device.size, shuffle=False)
    monitor = SampleStream(samples.monitor, few, config.seed)
    loaders = {"device": device, "workers": config.num_parallel_workers}
    return [
        monitoring.MaskWatch(),
        monitoring.MonitorBatch(shown, monitor, config.monitor_steps, limits, device),
        LogLine(monitoring.BatchLine(), every),
        monitoring.epoch_weights(networks, folder / "models", every=config.save_frequency, **saved),
        Validation(shown, batches, due=monitoring.ends_epoch, **loaders),
        monitoring.EpochLoss(),
        BestModel(networks, folder / "models" / "weights_best", **saved),
        Panels(folder / "panels", monitoring.draw_panel, config.panel_count, device),
        monitoring.Events(folder, every=every, count=config.panel_count, device=device),
        Csv(folder / "metrics.csv", every, device),
    ]


if __name__ == "__main__":
    run(main, __doc__)
