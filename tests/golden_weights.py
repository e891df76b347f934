"""Deterministic parameters of the goldens: made from the tensor's name, so none is stored."""

import hashlib

import numpy as np

_KINDS = {
    "bias": lambda x: 0.05 * x,
    "gamma": lambda x: 0.5 + 0.1 * x,
    "beta": lambda x: 0.1 * x,
    "mean": lambda x: 0.1 * x,
    "var": lambda x: 1 + 0.2 * np.abs(x),
}


def det(name, shape, kind):
    """The golden value of one tensor.

    Args:
        name (str): key of the tensor in the reference framework's checkpoint.
        shape (tuple of int): its shape there, e.g. (out, in / groups, kh, kw).
        kind (str): weight, bias, gamma, beta, mean or var.

    Returns:
        float32 array of that shape; a weight has standard deviation sqrt(2 / prod(shape[1:])).
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    x = np.random.default_rng(seed).standard_normal(tuple(shape))
    if kind == "weight":
        return (x * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
    return _KINDS[kind](x).astype(np.float32)
