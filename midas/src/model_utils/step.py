"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

One compiled training step: forward, gradients, their mean over the ranks, loss scaling, update.
"""

import mindspore as ms
from mindspore import Parameter, Tensor, amp, nn, ops


def mixed_precision(net, level, device):
    """Set a network's precision.

    Args:
        net: Cell; its parameters stay float32.
        level: O0 (float32), O2, O3 (float16), or auto: O2 on Ascend, else O0.
        device: Device of this run.
    Returns:
        (net, loss scaler or None for O0).
    """
    level = ("O2" if device.target == "Ascend" else "O0") if level == "auto" else level
    if level == "O0":
        return net, None
    scaler = amp.DynamicLossScaler(scale_value=2.0**16, scale_factor=2, scale_window=1000)
    return amp.auto_mixed_precision(net, level), scaler


def scaler_parameters(scaler):
    """The loss scaler's parameters, which belong to the resume state; none for None."""
    return [] if scaler is None else [scaler.scale_value, scaler.counter]


def make_train_step(forward, optimizer, device, scaler=None, jit_level=""):
    """Compile one training step.

    Args:
        forward: batch tensors -> tuple (loss, term, ...) of scalars; loss is what is minimised.
        optimizer: Optimizer; trains its parameters with the gradients' mean over the ranks.
        device: Device of this run.
        scaler: loss scaler for float16; an overflow then skips the update.
        jit_level: MindSpore's O0 or O1; empty is its own choice.
    Returns:
        Function of the batch that updates the parameters and returns forward's tuple.
    """

    def scaled(*batch):
        values = forward(*batch)
        return (values[0] if scaler is None else scaler.scale(values[0]), values)

    gradients_of = ms.value_and_grad(scaled, None, optimizer.parameters, has_aux=True)
    reduce = None
    if device.size > 1:
        reduce = nn.DistributedGradReducer(optimizer.parameters, mean=True, degree=device.size)

    count = Parameter(Tensor(0, ms.int32), name="steps_run", requires_grad=False)

    def step(*batch):
        (_, values), gradients = gradients_of(*batch)
        if reduce is not None:
            gradients = reduce(gradients)
        if scaler is None:
            optimizer(gradients)
        else:
            gradients = scaler.unscale(gradients)
            finite = amp.all_finite(gradients)
            scaler.adjust(finite)
            if finite:
                optimizer(gradients)
        return values, ops.assign_add(count, 1)

    compiled = ms.jit(step, jit_level=jit_level) if jit_level else ms.jit(step)

    def run(*batch):
        values, ended = compiled(*batch)
        # The count changes last. Reading the loss while the gradients are still being computed
        # would spin on one core until the end: a step of MidasNet on two cores took 1.4 times as
        # long.
        ended.asnumpy()
        return values

    return run
