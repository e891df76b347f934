"""What infer.py writes of each sequence (see media.Job)."""

from pathlib import Path

from ..sfm_utils.pose_path import write_paths
from ..sfm_utils.results import FlowJob, PoseJob, SequenceJob
from ..sfm_utils.trajectories import write_kitti_poses
from ..sfm_utils.trajectory_plot import draw_trajectories


class PathJob(PoseJob):
    """The camera's path through each folder or video.

    Files of the first piece: trajectory.txt (TUM, a pose's time is its frame's number),
    trajectory_kitti.txt and trajectory.png; where frames are missing in between, those of the next
    pieces are trajectory_1.txt and so on.
    """

    allowed = ("tum", "kitti", "plot", "npy")

    def write(self, stem, frame, values, formats):
        super().write(stem, frame, values, {"tum", *formats})  # keeps the poses, writes no path

    def finish(self):
        folders = {}
        for folder, path in self.paths.values():
            folders.setdefault(folder, []).extend(path.pieces())
        for folder, pieces in folders.items():
            self._write_pieces(Path(folder), pieces)
        return SequenceJob.finish(self)

    def _write_pieces(self, folder, pieces):
        if "tum" in self.formats:
            write_paths(folder, pieces)
        is_metric = self.convention.scale != 1
        label = f"camera's path{'' if is_metric else ', its scale is not known'}"
        for number, piece in enumerate(pieces):
            stem = f"trajectory_{number}" if number else "trajectory"
            first, last = piece.times[[0, -1]].astype(int)
            print(f"{folder / stem}: the path of frames {first} to {last}", flush=True)
            if "kitti" in self.formats:
                write_kitti_poses(folder / f"{stem}_kitti.txt", piece.world_from_camera)
            if "plot" in self.formats:
                draw_trajectories(folder / f"{stem}.png", {label: piece.world_from_camera})


class CameraFlowJob(FlowJob):
    """Flow whose predictor also takes the camera: `batch` gets (tuple of images, Intrinsics).

    Args:
        given, offsets: see `SequenceJob`.
        cameras: {path of a sequence: Intrinsics}; empty: None is handed on.
    """

    def __init__(self, *given, offsets, cameras):
        super().__init__(*given, offsets=offsets)
        self.cameras = cameras

    def samples(self, frames):
        for frame, images in super().samples(frames):
            yield frame, (images, self.cameras.get(frame.sequence))
