"""Weights from elsewhere: which entry of a file is which parameter of CoarseNet or FineNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import mindspore as ms
import numpy as np

PUBLISHED = (
    "the model zoo's FinalCoarseNet.ckpt and FinalFineNet.ckpt fit as they are, its other files "
    "after `python convert.py --source_path zoo.ckpt --target_path FinalCoarseNet.ckpt`: "
    "--model_weights FinalCoarseNet.ckpt FinalFineNet.ckpt; `bash ../scripts/quickstart.sh "
    "depthnet` trains some: --model_weights ../out/quickstart_depthnet/Model/Ckpt/"
    "FinalCoarseNet.ckpt ../out/quickstart_depthnet/Model/Ckpt/FinalFineNet.ckpt"
)


def map_names(
    source: Mapping[str, np.ndarray], networks: Mapping[str, ms.nn.Cell]
) -> tuple[str, dict[str, Optional[str]]]:
    """Find the network whose parameters a file holds, and which entry is which.

    Names must be the zoo's (conv1.weight ...), a prefix is allowed; what tells the networks apart
    is the shapes. An optimizer's entries (moment1.conv1.weight ...) belong to nothing.

    Args:
        source: {name in the file: array}.
        networks: {kind: network} to choose from.
    Returns:
        (kind, {name in the file: parameter's name or None}); the kind with the most parameters.
    """
    found = {kind: _mapped(source, network) for kind, network in networks.items()}
    kind = max(found, key=lambda name: len(found[name]))
    return kind, {name: found[kind].get(name) for name in source}


def _mapped(source, network):
    """{name in the file: parameter} where the name (after a prefix) and the shape agree."""
    mapped = {}
    for parameter in network.get_parameters():
        for key, value in source.items():
            tail = key == parameter.name or key.endswith(f".{parameter.name}")
            if tail and not key.startswith("moment") and value.shape == tuple(parameter.shape):
                mapped[key] = parameter.name
                break
    return mapped
