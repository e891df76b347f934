"""GeoNet's training steps, losses and inference in MindSpore; see bench_geonet."""

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from geonet.src.evaluation.model import Depth, Flow, Poses
from geonet.src.forward import FlowForward, RigidForward, for_training
from geonet.src.losses import FlowLoss, RigidLoss
from geonet.src.model_utils.checkpoint import prefix_names
from geonet.src.model_utils.device import Device
from geonet.src.model_utils.step import TrainStep
from geonet.src.networks import needed_networks
from geonet.src.networks.full_flow import FullFlow
from geonet.src.weights import trainable_variables
from tests.geonet.golden_networks import filled

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")
TRAINED = {"rigid": ("depth_net", "pose_net"), "flow": ("flow_net",)}
SOURCE = 1  # the frame after the target, of two sources


def networks(task):
    """{name: network} of a task with the goldens' weights, in evaluation mode."""
    found = filled(needed_networks(task, "residual"))
    prefix_names(found)
    return found


class Step:
    """Forward, loss, backward, Adam, as train.py compiles them; a call returns the loss.

    Args:
        mode: rigid or flow.
        arrays: the fields of a batch.
    """

    def __init__(self, mode, arrays):
        device, found = Device("CPU"), networks(mode)
        computed, _ = for_training(found, TRAINED[mode], "O0", device)
        self.variables = {name: trainable_variables({name: found[name]}) for name in TRAINED[mode]}
        learned = [p for variables in self.variables.values() for p in variables.values()]
        self.optimizer = nn.Adam(learned, 2e-4, beta1=0.9)
        if mode == "rigid":
            forward = RigidForward(computed, RigidLoss(), False)
        else:
            forward = FlowForward(computed, FlowLoss(), "residual", False, 0.85)
        self.step = TrainStep(forward, found, self.optimizer, device)
        self.batch = tuple(ms.Tensor(array) for array in arrays)

    def __call__(self):
        self.step(self.batch)
        return self.step.look().values["loss"]

    def gradients(self):
        """{name of a network: norms of the first step's gradients by variable}."""
        pairs = zip(self.optimizer.parameters, self.optimizer.moment1)
        moments = {parameter.name: moment for parameter, moment in pairs}
        return {
            name: [float(10 * np.linalg.norm(moments[p.name].asnumpy())) for p in found.values()]
            for name, found in self.variables.items()
        }


class _Rigid(nn.Cell):
    def __init__(self):
        super().__init__()
        self.loss = RigidLoss()

    def construct(self, d0, d1, d2, d3, poses, images, K, inv_K):
        """A scalar."""
        warp, smooth, _, _ = self.loss((d0, d1, d2, d3), poses, images, K, inv_K)
        return warp + smooth


class _Flow(nn.Cell):
    def __init__(self):
        super().__init__()
        self.loss = FlowLoss()

    def construct(self, f0, f1, f2, f3, images):
        """A scalar."""
        warp, smooth, consistency, _, _, _ = self.loss((f0, f1, f2, f3), images, 2)
        return warp + smooth + consistency


class Loss:
    """A loss alone, forward and backward; a call returns its value.

    Args:
        mode: rigid or flow.
        arrays: what the loss takes.
        learned: how many of them get a gradient.
    """

    def __init__(self, mode, arrays, learned):
        net = {"rigid": _Rigid, "flow": _Flow}[mode]()
        self.arguments = [ms.Tensor(array) for array in arrays]
        value_and_gradients = ms.value_and_grad(net, tuple(range(learned)))
        count = ms.Parameter(ms.Tensor(0, ms.int32), requires_grad=False)
        one = ms.Tensor(1, ms.int32)

        @ms.jit
        def run(*arguments):
            value, gradients = value_and_gradients(*arguments)
            found = value, gradients
            return value, gradients, ops.depend(ops.assign_add(count, one), found)

        self.run, self.found = run, None

    def __call__(self):
        value, self.found, ended = self.run(*self.arguments)
        ended.asnumpy()  # waiting for what is there before the end keeps a core busy
        return float(value.asnumpy())

    def gradients(self):
        """Norms of the last call's gradients."""
        return {"loss": [float(np.linalg.norm(gradient.asnumpy())) for gradient in self.found]}


def inference(task, arrays):
    """A function: the result of depth, pose or flow, as an array."""
    found = networks(task)
    if task == "depth":
        cell = Depth(found["depth_net"], False)
    elif task == "pose":
        cell = Poses(found["pose_net"])
    else:
        cell = Flow(FullFlow(found, "residual", False, SOURCE))
    cell, arguments = cell.set_train(False), [ms.Tensor(array) for array in arrays]
    return lambda: cell(*arguments).asnumpy()
