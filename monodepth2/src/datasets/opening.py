"""The samples of a training: from its options to what can be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..model_utils.errors import InputError
from ..sfm_utils.depth_evaluation import STEREO_SCALE
from .fields import STEREO
from .footage import Camera, FootageFrames, open_sequences
from .kitti import open_frames
from .samples import FrameId, VideoSamples

FOOTAGE = "folder"


class Samples(NamedTuple):
    """What a training loads.

    Attributes:
        train: samples to learn from.
        val: samples of the validation.
        monitor: those of the validation with depth_gt, where the data set has it.
        metric_scale: metres per unit of depth when the other camera is among the sources.
    """

    train: VideoSamples
    val: VideoSamples
    monitor: VideoSamples
    metric_scale: float | None


def open_samples(
    data_path: str | Path,
    *,
    dataset: str,
    split: str,
    split_dir: str | Path,
    height: int,
    width: int,
    sources: Sequence[FrameId],
    scales: Sequence[int] = (0, 1, 2, 3),
    v1_multiscale: bool = False,
    seen: Sequence[FrameId] | None = None,
    png: bool = False,
    skip_bad: bool = False,
    camera: Camera | None = None,
    frame_step: int = 0,
    val_share: float = 0.1,
    cache: str | Path = "frames",
) -> Samples:
    """The samples of a training, every image that they need looked for.

    Prints which split and how many samples, as the original does.

    Args:
        data_path: folder of KITTI, or own footage.
        dataset: kitti, kitti_odom, kitti_depth, or folder.
        split, split_dir: the lists are <split_dir>/<split>/{train,val}_files.txt.
        height, width, sources, scales, v1_multiscale, seen: see `VideoSamples`.
        png, skip_bad: see `open_frames`.
        camera, frame_step, val_share, cache: see `open_sequences`.
    Raises:
        InputError: lists or images are missing or do not belong to this data set.
    """
    if dataset == FOOTAGE:
        own = {"frame_step": frame_step, "val_share": val_share, "size": (height, width)}
        frames = _footage_frames(data_path, camera or Camera(), cache=cache, sources=sources, **own)
    else:
        options = {"dataset": dataset, "data_path": data_path, "sources": sources}
        lists = _train_list(split_dir, split)
        frames = _listed_frames(lists, png=png, skip_bad=skip_bad, **options)
        print(f"Using split:\n   {split}")
    counts = f"There are {len(frames[0])} training items and {len(frames[1])} validation items"
    print(f"{counts}\n", flush=True)
    wanted = {"height": height, "width": width, "sources": sources, "scales": scales}
    wanted.update(v1_multiscale=v1_multiscale, seen=seen)
    metric_scale = None
    if STEREO in sources:
        metric_scale = camera.metric_scale if dataset == FOOTAGE else STEREO_SCALE
    return Samples(
        VideoSamples(frames[0], is_train=True, **wanted),
        VideoSamples(frames[1], **wanted),
        VideoSamples(frames[1], with_depth=frames[1].has_depth, **wanted),
        metric_scale,
    )


def _footage_frames(data_path, camera, **options):
    """The frames of own footage to train on, and those held out."""
    sequences = open_sequences(data_path, camera, **options)
    frames = [FootageFrames(sequences, is_val) for is_val in (False, True)]
    count = f"{len(sequences)} sequence{'s' * (len(sequences) > 1)}"
    print(f"Using footage:\n   {data_path} ({count})")
    return frames


def _listed_frames(train, *, png, **options):
    """The frames of a list to train on, and of the one to validate on beside it."""
    found = open_frames(train, png=png, **options)
    is_png = found.tree.ending == ".png"  # what was found there
    return [found, open_frames(train.with_name("val_files.txt"), png=is_png, **options)]


def _train_list(split_dir, split):
    """The list to train on; the error names the splits that there are."""
    path = Path(split_dir, split, "train_files.txt")
    if not path.parent.is_dir():
        folders = sorted(other.parent.name for other in Path(split_dir).glob("*/train_files.txt"))
        text = f"it holds {', '.join(folders)}" if folders else "it holds no split"
        raise InputError(
            f"split {split} is not in {split_dir} ({text}); copy the original's splits folder "
            "there, or write lists with prepare/make_splits.py"
        )
    return path
