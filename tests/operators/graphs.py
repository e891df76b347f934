"""Compiles a model's graphs as a card would get them: python -m tests.operators.graphs MODEL

Networks and losses take the forms of an Ascend device. MindSpore writes what its front end makes of
them to MS_DEV_SAVE_GRAPHS_PATH: before kernels are chosen, and the same for every device, but where
MindSpore's own Python asks for the device (`all_finite` reads the status register of a 910A).
Images are small, and so are networks that can be, which learn in mixed precision O2; where they
cannot, a step learns with stand-ins in float32, and whole networks are compiled as for an export.
"""

import importlib
import sys

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from tests.monodepth2.test_forward import batch_of, forward_of

HEIGHT, WIDTH = 64, 128
FORMS = "model_utils.cpu_forms"
RNG = np.random.default_rng(0)


def images(channels=3, size=(HEIGHT, WIDTH), dtype=np.uint8):
    """One image, or several in one."""
    return ms.Tensor((255 * RNG.random((1, channels, *size))).astype(dtype))


def cameras():
    """Intrinsics and their inverses."""
    K = np.float32([[[0.6 * WIDTH, 0, WIDTH / 2], [0, 1.9 * HEIGHT, HEIGHT / 2], [0, 0, 1]]])
    return ms.Tensor(K), ms.Tensor(np.linalg.inv(K))


class Model:
    """The modules of a model folder, whose networks take their forms for Ascend.

    Args:
        name: of the folder.
    """

    def __init__(self, name):
        self.name = name
        for user in {"midas": (FORMS, "networks.grouped_conv")}.get(name, (FORMS,)):
            self(user).device_target = lambda: "Ascend"

    def __call__(self, module):
        return importlib.import_module(f"{self.name}.src.{module}")

    def mixed(self, network):
        """The network in mixed precision."""
        device = self("model_utils.device").Device("CPU")
        return self("model_utils.step").mixed_precision(network, "O2", device)

    def train(self, forward, networks, optimizer, *batch):
        """Run one step with a loss scaler."""
        device, step = self("model_utils.device").Device("CPU"), self("model_utils.step")
        _, scaler = self.mixed(nn.ReLU())
        run = step.TrainStep(forward, networks, optimizer, device, scaler=scaler)
        run(batch)
        run.look()


def depthnet(model):
    """Both stages and the graph of both."""
    networks, loss = model("networks"), model("losses").DepthLoss(True)
    coarse, fine = networks.CoarseNet(), networks.FineNet()
    model("model_utils.checkpoint").prefix_names({"coarse": coarse, "fine": fine})
    mixed_coarse, mixed_fine = model.mixed(coarse)[0], model.mixed(fine)[0]

    def learn_coarse(rgb, depth):
        return {"loss": loss(mixed_coarse(rgb), depth)}

    def learn_fine(rgb, depth):
        return {"loss": loss(mixed_fine(rgb, ops.stop_gradient(mixed_coarse(rgb))), depth)}

    rgb, depth = images(3, (228, 304), np.float32), images(1, (55, 74), np.float32)
    for network, forward in ((coarse, learn_coarse), (fine, learn_fine)):
        optimizer = nn.Adam(network.trainable_params(), learning_rate=1e-4)
        model.train(forward, {"network": network}, optimizer, rgb, depth)
    networks.DepthNet(networks.CoarseNet(), networks.FineNet()).set_train(False).compile(rgb)


def midas(model):
    """A step with each loss, and the network of each variant."""
    for variant, name in (("torch", "ssimae_trimmed"), ("modelzoo", "ssi")):
        _learn_midas(model, variant, model("losses").make_loss(name))
        _midas_net(model, variant).set_train(False).compile(images(3, (64, 64), np.float32))


def _midas_net(model, variant):
    options = {"layers": [1, 1, 1, 1], "features": 8, "groups": 2, "width_per_group": 8}
    return model("networks").MidasNet(**options, network_variant=variant)


def _learn_midas(model, variant, loss):
    network = _midas_net(model, variant).set_train()
    midas = model.mixed(network)[0]

    def forward(img, mask, depth):
        prediction = midas(img)
        return {"loss": loss(prediction, mask, depth), "finite": ops.isfinite(prediction).all()}

    decay = model("model_utils.schedules").PolynomialDecay(1e-4, 1e-6, 10, 0.9)
    optimizer = model("optimizers").make_optimizer(network, encoder_rate=decay, rate=decay)
    maps = [ms.Tensor(RNG.random((1, 64, 64), np.float32)) for _ in range(2)]
    image = images(3, (64, 64), np.float32)
    model.train(forward, {"midas": network}, optimizer, image, *maps)


def monodepth2(model):
    """A step of video and stereo with stand-ins for the networks, and the two graphs."""
    networks, forward, _ = forward_of((-1, 1, "s"))
    for name in ("encoder", "pose_encoder"):
        networks[name].pool = nn.MaxPool2d(kernel_size=2, stride=2)  # as the whole networks have
    optimizers = model("optimizers")
    parameters = [p for network in networks.values() for p in network.trainable_params()]
    optimizer = optimizers.Adam(parameters, optimizers.StepDecay(1e-4, 10, 20))
    model.train(forward, networks, optimizer, *batch_of(forward))
    make, loading = model("networks"), model("prediction.loading")
    nets = make.make_networks(
        num_layers=18,
        scales=[0],
        sources=(-1, 1),
        pose_model_type="separate_resnet",
        pose_model_input="pairs",
        predictive_mask=False,
    )
    image, disparity = images(dtype=np.float32), make.DisparityNet(nets["encoder"], nets["depth"])
    loading.ScaledDisparity(disparity, (0.1, 100.0)).set_train(False).compile(image)
    pose = make.PoseNet(nets["pose_encoder"], nets["pose"])
    loading.PairPose(pose).set_train(False).compile(image, image)


class Maps(nn.Cell):
    """A stand-in for a network with one map per scale."""

    def __init__(self, in_channels, channels):
        super().__init__()
        sizes = [2**scale for scale in range(4)]
        options = {"pad_mode": "valid", "has_bias": True}
        convs = [nn.Conv2d(in_channels, channels, n, stride=n, **options) for n in sizes]
        self.convs, self.sigmoid = nn.CellList(convs), nn.Sigmoid()

    def construct(self, x):
        """(B, in, H, W) -> tuple of (B, channels, H / 2^s, W / 2^s)."""
        maps = ()
        for conv in self.convs:
            maps += (self.sigmoid(conv(x)),)
        return maps


class Vectors(nn.Cell):
    """A stand-in for a pose network of two sources."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(9, 12, (HEIGHT, WIDTH), pad_mode="valid")

    def construct(self, x):
        """(B, 9, H, W) -> (B, 2, 6)."""
        return 0.01 * self.conv(x).reshape(-1, 2, 6)


def geonet(model):
    """A step of each mode and the graph of flow with stand-ins, and the whole depth network's."""
    losses, forwards, networks = model("losses"), model("forward"), model("networks")
    for trained in (("depth_net", "pose_net"), ("flow_net",)):
        nets = {"depth_net": Maps(3, 1), "pose_net": Vectors(), "flow_net": Maps(12, 2)}
        model("model_utils.checkpoint").prefix_names(nets)
        if "flow_net" in trained:
            forward = forwards.FlowForward(nets, losses.FlowLoss(), "residual", False, 0.85)
        else:
            forward = forwards.RigidForward(nets, losses.RigidLoss(), True)
        parameters = [p for name in trained for p in nets[name].trainable_params()]
        optimizer = nn.Adam(parameters, 1e-4, beta1=0.9)
        model.train(forward, nets, optimizer, images(), images(6), *cameras())
    serving, image = model("networks.serving"), images(dtype=np.float32)
    flow = model("networks.full_flow").FullFlow(nets, "residual", False, 1)
    serving.FlowGraph(flow).set_train(False).compile(image, *cameras(), image, image)
    depth_net = networks.make_networks(["depth_net"], dispnet_encoder="vgg")["depth_net"]
    serving.DepthGraph(depth_net, True).set_train(False).compile(image)


MODELS = {"depthnet": depthnet, "midas": midas, "monodepth2": monodepth2, "geonet": geonet}

if __name__ == "__main__":
    ms.set_context(mode=ms.GRAPH_MODE)
    MODELS[sys.argv[1]](Model(sys.argv[1]))
