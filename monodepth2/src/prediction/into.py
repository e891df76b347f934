"""Results in a folder of their own, as infer.py of every model leaves them."""

from dataclasses import replace
from functools import partial

from ..model_utils.media import predict_all
from ..sfm_utils.results import DepthJob, PoseJob
from .metres import POSES, or_kitti_s
from .predictors import Depths, Enlarged

PATH = "tum"


def predict_into(
    network, poses, scale, inputs, formats, metric_depth, skip_bad=False, *, camera, output_path
):
    """Predict images and videos: maps of their sizes, and the camera's path.

    Args:
        network: Network of disparity.
        poses: Network of motion; needed where formats hold tum.
        scale: metres per unit of depth, or None.
        inputs: see `find_inputs`.
        formats: png pfm npy color ply of the maps; tum, the path.
        metric_depth: write depth in metres in place of disparity.
        skip_bad: leave out files that cannot be read.
        camera: for ply.
        output_path: folder.
    Raises:
        InputError: see `predict_all`.
    """
    files = {"input_path": inputs, "output_path": output_path, "skip_bad": skip_bad}
    if PATH in formats:
        convention = replace(POSES, scale=scale or 1.0)
        make_job = partial(PoseJob, offsets=(0, 1), convention=convention)
        predict_all(poses, kind="pose", formats=[PATH], make_job=make_job, **files)
    files["formats"] = [name for name in formats if name != PATH]
    if files["formats"] and metric_depth:
        predictor = Depths(Enlarged(network), or_kitti_s(scale))
        predict_all(predictor, kind="depth", make_job=partial(DepthJob, camera=camera), **files)
    elif files["formats"]:
        make_job = partial(DepthJob, camera=camera, metric_scale=scale)
        predict_all(Enlarged(network), kind="disparity", make_job=make_job, **files)
