"""Adam's state beside the networks' weights."""

from pathlib import Path

from ..model_utils.checkpoint import read_parameters
from .fitting import fill

_FILE = "adam"


def adam_parameters(optimizer):
    """The moments of Adam and the powers of its betas.

    Neither the rate nor the number of steps: a training that starts from the state begins its
    schedule anew, as the original does.
    """
    powers = [optimizer.beta1_power, optimizer.beta2_power]
    return [*optimizer.moment1, *optimizer.moment2, *powers]


class AdamState:
    """An optimizer as `save_networks` takes networks: the parameters of its state.

    Args:
        optimizer: nn.Adam.
    """

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def get_parameters(self):
        """See `adam_parameters`."""
        return adam_parameters(self.optimizer)


def load_adam(optimizer, folder):
    """Continue with the Adam of a folder of weights, if it is there and of the same parameters.

    Args:
        optimizer: nn.Adam.
        folder: the one that the networks were loaded from; empty: nothing is said or done.
    Returns:
        Whether it was loaded.
    Raises:
        InputError: adam.ckpt is damaged.
    """
    if not folder:
        return False
    path = Path(folder).expanduser() / f"{_FILE}.ckpt"
    if not path.is_file():
        tell_foreign_states(path.parent)
        print("Cannot find Adam weights so Adam is randomly initialized")
        return False
    found = read_parameters(path)
    targets = {parameter.name: parameter for parameter in adam_parameters(optimizer)}
    shapes = {name: tuple(parameter.shape) for name, parameter in targets.items()}
    if {name: tuple(parameter.shape) for name, parameter in found.items()} != shapes:
        print(f"{path} is of other networks, so Adam is randomly initialized")
        return False
    print("Loading Adam weights")
    fill([(target, found[name].numpy()) for name, target in targets.items()])
    return True


def tell_foreign_states(folder):
    """Say which states of Adam in a folder are other programs' and are not read."""
    for path in sorted(folder.glob(f"{_FILE}.*")):
        if path.suffix != ".ckpt":
            print(f"{path} is another program's state of Adam and is not read")
