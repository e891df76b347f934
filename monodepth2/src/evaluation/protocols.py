"""How predicted depth is scaled and compared on KITTI's test sets."""

from dataclasses import replace

from ..model_utils.errors import InputError
from ..sfm_utils.depth_evaluation import EIGEN, EIGEN_BENCHMARK, STEREO_SCALE, DepthProtocol

BENCHMARK = "benchmark"
_PROTOCOLS = {"eigen": EIGEN, "eigen_benchmark": EIGEN_BENCHMARK, BENCHMARK: EIGEN_BENCHMARK}
_NOT_METRIC = (
    "Warning: these weights were not trained on stereo pairs: their depth is not in metres, "
    "5.4 does not make it so; --eval_mono scales each image"
)


class StereoProtocol(DepthProtocol):
    """A DepthProtocol of metric depth."""


def choose_protocol(
    split, *, mono, stereo, keep_scale=False, factor=1.0, metric_scale=STEREO_SCALE
):
    """How predictions are scaled and compared.

    Args:
        split: the test set.
        mono, stereo: eval_mono and eval_stereo, exactly one of which must be given.
        keep_scale: no scaling by medians (disable_median_scaling); stereo implies it.
        factor: multiplies depth (pred_depth_scale_factor); metric_scale for stereo.
        metric_scale: metres per unit of the weights' depth. None, after a training without stereo
            pairs, is answered with a warning and 5.4 where metres are asked for.
    Returns:
        DepthProtocol.
    Raises:
        InputError: none or both of mono and stereo.
    """
    if mono == stereo:
        text = "Please choose mono or stereo evaluation by setting either --eval_mono or"
        raise InputError(f"{text} --eval_stereo")
    if metric_scale is None and (stereo or split == BENCHMARK):
        print(_NOT_METRIC, flush=True)
    if stereo:
        metric = replace(_PROTOCOLS[split], median=False, factor=metric_scale or STEREO_SCALE)
        return StereoProtocol(**vars(metric))
    return replace(_PROTOCOLS[split], median=not keep_scale, factor=factor)
