"""Monodepth2's training step and disparity network in MindSpore; see bench_monodepth2."""

import mindspore as ms

from monodepth2.src.datasets.fields import STEREO
from monodepth2.src.forward import Forward
from monodepth2.src.losses import Reprojection, ViewSynthesisLoss
from monodepth2.src.model_utils.checkpoint import prefix_names
from monodepth2.src.model_utils.device import Device
from monodepth2.src.model_utils.step import TrainStep
from monodepth2.src.networks import DisparityNet, Motion, make_networks
from monodepth2.src.optimizers import Adam
from tests.monodepth2.golden_networks import filled

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")
SCALES = (0, 1, 2, 3)
FRAMES = {"m1": -1, "p1": 1, "s": STEREO}


def networks(sources):
    """{name: network} with the goldens' weights."""
    found = make_networks(
        num_layers=18,
        scales=SCALES,
        sources=sources,
        pose_model_type="separate_resnet",
        pose_model_input="pairs",
        predictive_mask=False,
    )
    for name, network in found.items():
        filled(network, name)
    prefix_names(found)
    return found


def training_step(sources, arrays, noise):
    """A function: forward, loss, backward, Adam, as train.py compiles them; returns the loss."""
    sources = [FRAMES[source] for source in sources]
    nets = networks(sources)
    for net in nets.values():
        net.set_train()
    motion = Motion(nets, sources, "separate_resnet", "pairs")
    loss = ViewSynthesisLoss(
        Reprojection(noise),
        scales=SCALES,
        disparity_smoothness=1e-3,
        limits=(0.1, 100),
        inverted=motion.inverted,
    )
    forward = Forward(nets, motion, loss, sources)
    optimizer = Adam([p for net in nets.values() for p in net.trainable_params()], 1e-4)
    step = TrainStep(forward, nets, optimizer, Device("CPU"))
    batch = tuple(ms.Tensor(arrays[name]) for name in forward.fields)

    def run():
        step(batch)
        return step.look().values["loss"]

    return run


def disparity_networks():
    """The encoder and the decoder of disparity."""
    return networks([STEREO])


def inference(image):
    """A function: disparity of scale 0, as an array."""
    net, image = DisparityNet(**disparity_networks()).set_train(False), ms.Tensor(image)
    return lambda: net(image).asnumpy()
