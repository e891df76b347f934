"""The one table of what MindSpore's documentation does not simply allow, and why it is used.

A row is needed while `test_operators` finds its cause at its place; a row that is not fails, too.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY = "*"
# What is announced differs from version to version; the table follows the newest one.
NEWEST = "2.10."
CAUSES = ("platform", "dtype", "announced")


@dataclass(frozen=True)
class Row:
    """An exception.

    Attributes:
        name: as it is imported.
        cause: "platform": its documentation does not list Ascend; "dtype": nor a data type that
            it is given; "announced": it, or how it is called, will be removed or will change.
        places: files that may use it so, as patterns; shared ones begin with src/.
        reason: why it is used all the same.
        fallback: what is done, or can be, where it fails.
    """

    name: str
    cause: str
    places: str
    reason: str
    fallback: str


def _rows(cause, places, reason, fallback, *names):
    return [Row(f"mindspore.{name}", cause, places, reason, fallback) for name in names]


_NO_OPERATOR = [
    *_rows(
        "platform",
        ANY,
        "a type, documented without platforms; its methods have rows of their own",
        "none needed",
        "Tensor",
        "Parameter",
        "nn.learning_rate_schedule.LearningRateSchedule",
    ),
    *_rows(
        "platform",
        ANY,
        "known when a graph is compiled; no operator remains",
        "none needed",
        "Tensor.dtype",
        "Tensor.ndim",
        "ops.constexpr",
    ),
    *_rows(
        "platform",
        "monodepth2/src/forward.py",
        "an attribute of Motion, not a tensor's",
        "none needed",
        "Tensor.is_shared",
    ),
]

_HOST = [
    *_rows(
        "platform",
        ANY,
        "runs on the host: first values of parameters",
        "none needed",
        "common.initializer.initializer",
        "common.initializer.HeNormal",
        "common.initializer.HeUniform",
        "common.initializer.Normal",
        "common.initializer.Uniform",
    ),
    *_rows(
        "platform",
        "src/model_utils/checkpoint.py",
        "runs on the host: reads and writes files",
        "none needed",
        "save_checkpoint",
    ),
    *_rows(
        "platform",
        "src/model_utils/protobuf.py",
        "runs on the host: reads and writes files",
        "none needed",
        "load_checkpoint",
    ),
    *_rows(
        "platform",
        "src/model_utils/graph_cache.py",
        "its page has no list; it is called on CPU only",
        "none needed",
        "runtime.launch_blocking",
    ),
    *_rows(
        "platform",
        "src/model_utils/graph.py",
        "runs on the host: reads and writes files",
        "none needed",
        "load",
        "export",
    ),
    *_rows(
        "platform",
        "src/model_utils/device.py",
        "runs on the host: sets up the device",
        "none needed",
        "set_context",
        "set_device",
        "set_seed",
    ),
    *_rows(
        "platform",
        "src/model_utils/device.py",
        "runs on the host: MindSpore has no public name for the family of the chip",
        "without an answer the card is taken for one that has infinities",
        "_c_expression.MSContext",
    ),
    *_rows(
        "platform",
        "src/model_utils/cpu_forms.py",
        "runs on the host: asks which device there is",
        "none needed",
        "get_context",
        "get_current_device",
    ),
    *_rows(
        "platform",
        "src/model_utils/graph_cache.py",
        "runs on the host: describes cells, chooses the mode for a single image on CPU",
        "none needed",
        "get_context",
        "set_context",
        "ops.Primitive",
    ),
    *_rows(
        "platform",
        "src/model_utils/stream.py",
        "runs on the host: loads data",
        "none needed",
        "dataset.Dataset",
        "dataset.GeneratorDataset",
    ),
    *_rows(
        "platform",
        "src/model_utils/step.py",
        "runs on the host: puts casts into a network; its documentation names Ascend's lists",
        "amp_level O0, which does not call it",
        "amp.auto_mixed_precision",
    ),
    *_rows(
        "platform",
        ANY,
        "copies a result to the host, where alone an array exists",
        "none needed",
        "Tensor.numpy",
    ),
]

# What MindSpore warns of while it compiles, and its own Python is the one to use it.
WARNINGS = {
    "FusedSparseAdam": "nn.Adam makes it beside the operator that is used",
    "ScalarCast": "MindSpore's compiler makes it",
}

_DTYPES = _rows(
    "dtype",
    "midas/src/losses.py",
    "the trimmed loss sorts float32, for which accuracy may be lost: should a card compare in"
    " float16, pixels with nearly equal values change places, which hardly moves the median and"
    " the trimmed fifth",
    "loss ssi, which sorts nothing",
    "ops.sort",
)

_ANNOUNCED = [
    *_rows(
        "announced",
        "src/model_utils/device.py",
        "MindSpore 2.0.0 has nothing else to name the device; no successor sets graph mode",
        "newer versions get set_device",
        "set_context",
    ),
    *_rows(
        "announced",
        "src/model_utils/graph_cache.py",
        "no successor sets graph mode or tells of it",
        "none needed",
        "get_context",
        "set_context",
    ),
    *_rows(
        "announced",
        "src/model_utils/cpu_forms.py",
        "MindSpore 2.0.0 has nothing else",
        "newer versions get get_current_device",
        "get_context",
    ),
    *_rows(
        "announced",
        "src/model_utils/graph.py",
        "AIR, which older Ascend tools read, is written by users who ask for it",
        "file_format MINDIR, the default",
        "export",
    ),
    *_rows(
        "announced",
        "src/model_utils/step.py",
        "the announcement is that of the function ops.assign; Tensor.copy_ does the same, but its"
        " documentation lists Ascend alone, and a step runs on a CPU too",
        "Tensor.copy_, which a small graph ran on CPU under 2.7 and 2.10",
        "ops.Assign",
    ),
    *_rows(
        "announced",
        "src/sfm_utils/sampling.py midas/src/losses.py",
        "will choose slices instead; the successor ops.where adds BroadcastTo to the graphs that"
        " MindSpore 2.0.0 exports for the 310",
        "ops.where once the exporter is newer",
        "ops.select",
    ),
    *_rows(
        "announced",
        ANY,
        "its arguments will change, and 2.10 has only the present ones",
        "follow the new signature once a version has it",
        "nn.Adam",
        "nn.BatchNorm2d",
        "nn.Conv2d",
        "nn.Conv2dTranspose",
        "nn.MaxPool2d",
        "ops.gather",
        "ops.gather_elements",
    ),
    *_rows(
        "announced",
        "depthnet/src/networks.py",
        "will be renamed to Linear, which 2.10 does not have",
        "nn.Linear once a version has it",
        "nn.Dense",
    ),
    *_rows(
        "announced",
        ANY,
        "the input of its call will be renamed; it is called by position",
        "none needed",
        "nn.ELU",
        "nn.Sigmoid",
        "Tensor.squeeze",
    ),
    *_rows(
        "announced",
        "src/model_utils/step.py",
        "Device.size, not a tensor's",
        "none needed",
        "Tensor.size",
    ),
    *_rows(
        "announced",
        "src/model_utils/stream.py",
        "the options that it is given are not those that will go",
        "none needed",
        "dataset.GeneratorDataset",
    ),
]

ROWS = [*_NO_OPERATOR, *_HOST, *_DTYPES, *_ANNOUNCED]

_COMPILER = "part of the compiler, which computes nothing"
_GRADIENT = "the gradient of that operator, made by MindSpore"
_SCALAR = "the form of that operator for a number, or for given axes, made by MindSpore"
# Operators of graphs that have no documentation for users: the documented name that they are made
# for, which must be listed for Ascend, "" where there is none; and what they are.
STANDS_FOR = {
    "Load": ("", _COMPILER),
    "MakeTuple": ("", _COMPILER),
    "Switch": ("", _COMPILER),
    "TensorMove": ("", "copies the value that a Parameter has before it is set"),
    "TupleGetItem": ("", _COMPILER),
    "UpdateState": ("", _COMPILER),
    "make_list": ("", _COMPILER),
    "BatchNormGrad": ("mindspore.ops.BatchNorm", _GRADIENT),
    "BiasAddGrad": ("mindspore.ops.BiasAdd", _GRADIENT),
    "Conv2DBackpropFilter": ("mindspore.ops.Conv2D", _GRADIENT),
    "Conv2DBackpropInput": ("mindspore.ops.Conv2D", _GRADIENT),
    "GatherDGradV2": ("mindspore.ops.gather_elements", _GRADIENT),
    "MaxPoolGrad": ("mindspore.ops.MaxPool", _GRADIENT),
    "ReluGrad": ("mindspore.ops.relu", _GRADIENT),
    "SigmoidGrad": ("mindspore.nn.Sigmoid", _GRADIENT),
    "SqrtGrad": ("mindspore.ops.sqrt", _GRADIENT),
    "StridedSliceGrad": ("mindspore.ops.strided_slice", _GRADIENT),
    "ClampScalar": ("mindspore.ops.clamp", _SCALAR),
    "Divs": ("mindspore.ops.div", _SCALAR),
    "EqScalar": ("mindspore.ops.equal", _SCALAR),
    "LessScalar": ("mindspore.ops.less", _SCALAR),
    "MatMulExt": ("mindspore.ops.matmul", _SCALAR),
    "Muls": ("mindspore.ops.mul", _SCALAR),
    "RemainderTensorScalar": ("mindspore.ops.remainder", _SCALAR),
    "SplitWithSize": ("mindspore.ops.split", _SCALAR),
    "SumExt": ("mindspore.ops.sum", _SCALAR),
}
