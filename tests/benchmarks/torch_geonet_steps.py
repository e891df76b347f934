"""GeoNet's training steps, losses, inference in PyTorch, for comparison only; see bench_geonet."""

import torch
from torch import nn

from tests.benchmarks.torch_geonet import make_networks, variables
from tests.benchmarks.torch_geonet_losses import (
    SOURCES,
    FlowLoss,
    RigidLoss,
    difference,
    grid,
    length,
    matrices,
    places,
    sampled,
    scaled_camera,
)
from tests.benchmarks.torch_sfm import arranged

TRAINED = {"rigid": ("depth_net", "pose_net"), "flow": ("flow_net",)}
LOSSES = {"rigid": RigidLoss, "flow": FlowLoss}


def seen(images):
    """uint8 as the networks see it."""
    return images.float() * (2 / 255) - 1


class Rigid(nn.Module):
    """The step train_rigid: networks and loss; fields of a batch -> a scalar."""

    trained = ("depth_net", "pose_net")

    def __init__(self):
        super().__init__()
        self.networks = nn.ModuleDict(make_networks(self.trained))
        self.loss = RigidLoss()

    def forward(self, target, sources, K, inv_K):
        """See the class."""
        target, sources = seen(target), seen(sources)
        images = torch.cat((target, *sources.split(3, 1)))
        poses = self.networks["pose_net"](torch.cat((target, sources), 1))
        return self.loss(*self.networks["depth_net"](images), poses, images, K, inv_K)


class Pyramid(nn.Module):
    """Full flow at four scales, in both directions or to the frame after the target alone."""

    def __init__(self, both_ways):
        super().__init__()
        self.networks = nn.ModuleDict(make_networks(("depth_net", "pose_net", "flow_net")))
        self.both_ways = both_ways

    def forward(self, target, sources, K, inv_K):
        """Images -1..1 -> four (4 B, 2, h, w), or (B, 2, h, w)."""
        with torch.no_grad():
            inputs, rigid = self.explained(target, sources, K, inv_K)
        return [flow + base for flow, base in zip(self.networks["flow_net"](inputs), rigid)]

    def explained(self, target, sources, K, inv_K):
        """What the flow network sees, and the rigid flows."""
        poses = self.networks["pose_net"](torch.cat((target, sources), 1))
        if self.both_ways:
            others, count = torch.cat(sources.split(3, 1)), SOURCES
            ours = target.repeat(count, 1, 1, 1)
            images = torch.cat((target, others))
            ours, others = torch.cat((ours, others)), torch.cat((others, ours))
        else:
            poses, images, ours, others = poses[:, 1:], target, target, sources[:, 3:]
        motion, rigid = matrices(poses, self.both_ways), []
        for scale, disparities in enumerate(self.networks["depth_net"](images)):
            depth = 1 / disparities
            if self.both_ways:
                first = depth[: len(target)].repeat(count, 1, 1, 1)
                depth = torch.cat((first, depth[len(target) :]))
            camera = scaled_camera(K, inv_K, scale, len(depth) // len(target))
            rigid.append(places(depth, *camera, motion) - grid(*depth.shape[2:]))
        warped = sampled(others, rigid[0] + grid(*target.shape[2:]))
        error = length(difference(ours, warped))
        return torch.cat((ours, others, warped, rigid[0], error), 1), rigid


class Flow(nn.Module):
    """The step train_flow: networks and loss; fields of a batch -> a scalar."""

    def __init__(self):
        super().__init__()
        self.flows, self.loss = Pyramid(True), FlowLoss()
        self.networks = self.flows.networks

    def forward(self, target, sources, K, inv_K):
        """See the class."""
        target, sources = seen(target), seen(sources)
        images = torch.cat((target, *sources.split(3, 1)))
        return self.loss(*self.flows(target, sources, K, inv_K), images)


class Step:
    """Forward, loss, backward, Adam; a call returns the loss.

    Args:
        mode: rigid or flow.
        arrays: the fields of a batch.
        form: eager, channels_last or compile.
    """

    def __init__(self, mode, arrays, form):
        net = {"rigid": Rigid, "flow": Flow}[mode]().eval()
        self.networks = {name: net.networks[name].train() for name in TRAINED[mode]}
        found = [p for network in self.networks.values() for p in network.parameters()]
        self.optimizer = torch.optim.Adam([p for p in found if p.requires_grad], lr=2e-4)
        net, self.batch = of_form(net, arrays, form)
        self.run = net

    def __call__(self):
        loss = self.run(*self.batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()

    def gradients(self):
        """{name of a network: norms of the first step's gradients by variable}."""
        moments = {p: state["exp_avg"] for p, state in self.optimizer.state.items()}
        return {
            name: [
                10 * moments[tensor].norm().item()
                for tensor, _ in variables(network, name).values()
                if tensor in moments
            ]
            for name, network in self.networks.items()
        }


class Loss:
    """A loss alone, forward and backward; a call returns its value.

    Args:
        mode: rigid or flow.
        arrays: what the loss takes.
        learned: how many of them get a gradient.
        form: see `Step`.
    """

    def __init__(self, mode, arrays, learned, form):
        self.net, self.arguments = of_form(LOSSES[mode](), arrays, form)
        self.learned = [tensor.requires_grad_() for tensor in self.arguments[:learned]]

    def __call__(self):
        for tensor in self.learned:
            tensor.grad = None
        value = self.net(*self.arguments)
        value.backward()
        return value.item()

    def gradients(self):
        """Norms of the last call's gradients."""
        return {"loss": [tensor.grad.norm().item() for tensor in self.learned]}


class DepthGraph(nn.Module):
    """Depth of images -1..1, as it is exported."""

    def __init__(self):
        super().__init__()
        self.net = make_networks(("depth_net",))["depth_net"]

    def forward(self, images):
        """(B, 3, H, W) -> (B, 1, H, W)."""
        return 1 / self.net(images)[0]


class Depth(DepthGraph):
    """Depth of images (B, 3, H, W) uint8."""

    def forward(self, images):
        """-> (B, 1, H, W)."""
        return super().forward(seen(images))


class Poses(nn.Module):
    """Poses of two sources."""

    def __init__(self):
        super().__init__()
        self.net = make_networks(("pose_net",))["pose_net"]

    def forward(self, images):
        """(B, 9, H, W) uint8 -> (B, 2, 6)."""
        return self.net(seen(images))


class FullFlow(nn.Module):
    """Flow to the frame after the target."""

    def __init__(self):
        super().__init__()
        self.flows = Pyramid(False)

    def forward(self, images, K, inv_K):
        """(B, 9, H, W) uint8 -> (B, 2, H, W)."""
        images = seen(images)
        return self.flows(images[:, :3], images[:, 3:], K, inv_K)[0]


def inference(task, arrays, form):
    """A function: the result of depth, pose or flow, as an array."""
    net = {"depth": Depth, "pose": Poses, "flow": FullFlow}[task]().eval()
    net, arguments = of_form(net, arrays, form)

    def run():
        with torch.inference_mode():
            return net(*arguments).numpy()

    return run


def of_form(net, arrays, form):
    """A module and its arguments in one of PyTorch's forms."""
    if form == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    return torch.compile(net) if form == "compile" else net, [arranged(a, form) for a in arrays]
