"""The tasks of infer.py: what each needs, checked before a network is built, and what it writes."""

from functools import partial

from ..model_utils.errors import InputError
from ..model_utils.media import find_inputs, predict_all, result_names
from ..sfm_utils.neighbours import check_length
from ..sfm_utils.results import DepthJob
from .cameras import cameras_of
from .jobs import CameraFlowJob, PathJob
from .predictors import Depths, Flows, Poses, offsets_of, pose_convention

_FORMATS = {
    "depth": ("png", "pfm", "npy", "color"),
    "pose": ("tum", "kitti", "plot"),
    "flow": ("flo", "png", "color"),
}
_ASKED_FOR = {"depth": ("ply",), "pose": ("npy",), "flow": ("npy",)}


def formats_of(task, formats):
    """The formats of a task's results.

    Args:
        task: depth, pose or flow.
        formats: as the user gave them; empty: the usual ones.
    Raises:
        InputError: one that the task does not have.
    """
    known = _FORMATS[task] + _ASKED_FOR[task]
    for name in formats:
        if name not in known:
            raise InputError(f"formats {name}: task {task} writes {', '.join(known)}")
    return tuple(formats) or _FORMATS[task]


def predict(model, task, formats, camera, scale, files):
    """Predict every image, then every video.

    Args:
        model: Model.
        task: depth, pose or flow.
        formats: of `formats_of`.
        camera: Camera; for points, and for the flow of a residual network.
        scale: metres per unit of depth and of the path.
        files: {"input_path", "output_path", "skip_bad"} of `predict_all`.
    Raises:
        InputError: the weights do not serve, the camera is not known, too few frames, a broken
            file without skip_bad.
    """
    model.check(task, f"task {task}")
    found, offsets = find_inputs(files["input_path"]), offsets_of(task, model.facts)
    check_length(found, offsets)
    is_residual = task == "flow" and model.facts.flownet_type == "residual"
    cameras = cameras_of(found, camera) if is_residual or "ply" in formats else {}
    predictor, job = {"depth": _depth, "pose": _pose, "flow": _flow}[task](model, scale, cameras)
    make_job = partial(_named, job, offsets=offsets)
    predict_all(predictor, kind=task, formats=formats, make_job=make_job, **files)


def _named(job, files, *given, **options):
    """A job whose results lie in sub-folders as the files do."""
    made = job(files, *given, **options)
    made.names = result_names(files)
    return made


def _depth(model, scale, cameras):
    _say_scale("depth", scale)
    camera = next(iter(cameras.values()), None)
    return Depths(model, scale), partial(DepthJob, camera=camera)


def _pose(model, scale, cameras):
    _say_scale("the path", scale)
    print("the step from frame t to t + 1 is the pose of source t with t + 1 as the target,")
    print("the last step that of source t + 1 with t as the target", flush=True)
    convention = pose_convention(model.facts.seq_length, scale)
    return Poses(model), partial(PathJob, convention=convention)


def _flow(model, scale, cameras):
    print("flow of each frame to the next one, in pixels of the images", flush=True)
    return Flows(model), partial(CameraFlowJob, cameras=cameras)


def _say_scale(what, scale):
    if scale == 1:
        text = "is known up to scale: a unit is written as a metre; --scale gives metres per unit"
    else:
        text = f"is in metres, {scale:g} per unit of the network"
    print(f"{what} {text}", flush=True)
