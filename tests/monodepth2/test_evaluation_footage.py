"""Evaluation of own footage by a model that knows the truth of rendered drives, and by others."""

import csv
import json

import cv2
import mindspore as ms
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from monodepth2.src.datasets.footage import Camera, FootageFrames, open_sequences
from monodepth2.src.evaluation import footage as evaluation
from monodepth2.src.evaluation import places_of
from monodepth2.src.evaluation.footage import Truth, summary
from monodepth2.src.evaluation.predicting import read_planes, to_tensor
from monodepth2.src.evaluation.rebuilding import Rebuilding, sources_of
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.report import ReportPlace
from monodepth2.src.sfm_utils.trajectories import read_tum
from tests.reports import read_report
from tests.synthetic.writers_footage import footage_camera

SIZE = 64, 96
K = footage_camera(*SIZE)
NUMBERS = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
METRIC = 2.5  # metres per unit after a training with 25 cm between the cameras


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


class Knowing:
    """A model that knows depth and motion of a rendered drive, in units of `scale` metres."""

    size, folder = SIZE, "weights"

    def __init__(self, drive, scale=1.0, has_poses=True, use_stereo=False, metric_scale=None):
        self.drive, self.scale, self.has_poses = drive, scale, has_poses
        self.record, self.metric_scale = {"use_stereo": use_stereo}, metric_scale
        self.poses = read_tum(drive.parent / "truth" / "drive_0_tum.txt").world_from_camera
        files = sorted(drive.glob("*.jpg"))
        self.numbers = {self._key(to_tensor(read_planes(f, *SIZE)[None], 1)): f.stem for f in files}

    @staticmethod
    def _key(image):
        return image.asnumpy().tobytes()

    def disparity(self):
        return self._disparity

    def pose(self):
        return self._pose

    def _disparity(self, image):
        name = f"truth/drive_0_depth/{self.numbers[self._key(image)]}.png"
        depth = cv2.imread(str(self.drive.parent / name), cv2.IMREAD_UNCHANGED) / 256
        return ms.Tensor(np.float32(self.scale / np.where(depth > 0, depth, 200))[None, None])

    def _pose(self, image, after):
        this, following = (int(self.numbers[self._key(one)]) for one in (image, after))
        moved = np.linalg.inv(self.poses[following]) @ self.poses[this]
        turn = Rotation.from_matrix(moved[:3, :3]).as_rotvec()
        return ms.Tensor(np.float32([[[*turn, *moved[:3, 3] / self.scale]]]))


@pytest.fixture(scope="module")
def drive(footage):
    return footage / "drive_0"


def held_out(drive, cache, sources, step=1):
    camera = Camera(NUMBERS, baseline=0.25)
    own = {"sources": sources, "frame_step": step, "val_share": 0.5}
    sequences = open_sequences(drive, camera, cache=cache, size=SIZE, **own)
    return FootageFrames(sequences, is_val=True)


@pytest.mark.parametrize("sources", [(-1, 1), ("s",), (-1, 1, "s")])
def test_the_truth_explains_most_of_the_change(drive, tmp_path, sources):
    model = Knowing(drive, METRIC)
    frames = held_out(drive, tmp_path, sources)
    maps = Rebuilding(model.disparity(), model.pose(), SIZE, sources).maps(frames, 0)
    assert maps.error.shape == maps.unwarped.shape == maps.disparity.shape == SIZE
    assert maps.error.mean() < 0.5 * maps.unwarped.mean()
    assert (maps.next_from_this is None) == (1 not in sources)


def test_a_wrong_depth_explains_less_than_the_truth(drive, tmp_path):
    frames = held_out(drive, tmp_path, (-1, 1))
    right, wrong = Knowing(drive), Knowing(drive)
    wrong.disparity = lambda: lambda image: 0.2 * right.disparity()(image)
    errors = [
        Rebuilding(model.disparity(), model.pose(), SIZE, (-1, 1)).maps(frames, 0).error.mean()
        for model in (right, wrong)
    ]
    assert errors[0] < 0.8 * errors[1]


def test_what_still_images_leave_is_their_difference(drive, tmp_path):
    """Without motion a frame is compared with its neighbours as they are."""
    frames, model = held_out(drive, tmp_path, (-1, 1)), Knowing(drive)
    model.poses = np.tile(np.eye(4), (14, 1, 1))
    maps = Rebuilding(model.disparity(), model.pose(), SIZE, (-1, 1)).maps(frames, 0)
    np.testing.assert_allclose(maps.error, maps.unwarped, atol=1e-5)


@pytest.mark.parametrize(
    ("has_poses", "use_stereo", "baseline", "sources"),
    [
        (True, False, 0.25, (-1, 1)),
        (True, True, 0, (-1, 1)),
        (True, True, 0.25, (-1, 1, "s")),
        (False, True, 0.25, ("s",)),
    ],
)
def test_which_images_rebuild_a_frame(drive, has_poses, use_stereo, baseline, sources):
    assert sources_of(Knowing(drive, 1, has_poses, use_stereo), baseline) == sources


@pytest.mark.parametrize(("use_stereo", "baseline"), [(True, 0), (False, 0.25)])
def test_without_poses_and_another_camera_nothing_can(drive, use_stereo, baseline):
    with pytest.raises(InputError, match="there is nothing to rebuild frames by"):
        sources_of(Knowing(drive, 1, False, use_stereo), baseline)


def test_footage_with_true_depth_in_metres(drive, footage, tmp_path, capsys):
    """A metric model that knows the truth: errors near 0, the true path, one line per frame."""
    model = Knowing(drive, METRIC, use_stereo=True, metric_scale=METRIC)
    places = places_of("folder", tmp_path, "", "", "")
    truth = Truth(footage / "truth" / "drive_0_depth", METRIC)
    own = {"frame_step": 2, "val_share": 0.5, "panels": 1, "panels_path": tmp_path / "panels"}
    own["report"] = ReportPlace(tmp_path / "report.html", None)
    evaluation.evaluate(model, drive, Camera(NUMBERS, baseline=0.25), places, truth, **own)
    numbers = json.loads(places.metrics_json.read_text())["drive_0"]
    assert numbers["frames"] == numbers["frames_with_depth"] == 4
    assert numbers["explained"] > 0.5 and numbers["abs_rel"] < 1e-3 and numbers["a1"] == 1
    with places.csv_file.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == [f"{number:06}" for number in range(7, 11)]
    assert np.mean([float(row["error"]) for row in rows]) == pytest.approx(numbers["error"])
    path = read_tum(tmp_path / "trajectory_drive_0.txt")
    assert path.times.tolist() == [7, 9, 11]
    expected = np.linalg.inv(model.poses[7]) @ model.poses[[7, 9, 11]]
    np.testing.assert_allclose(path.world_from_camera, expected, atol=1e-4)
    assert (tmp_path / "trajectory_drive_0.png").is_file()
    names = {file.name for file in (tmp_path / "panels").iterdir()}
    assert names == {"worst1.png", "best1.png"}
    out = capsys.readouterr().out
    assert "drive_0: 4 held-out frames, photometric error " in out and "% explained" in out
    assert "-> Computing predictions with size 96x64" in out and out.endswith("-> Done!\n")
    report = read_report(tmp_path / "report.html")
    assert report.columns == ["network", "images as they are"] and report.images == 4 * 4
    shown = [numbers["error"], numbers["error_unwarped"]]
    assert [float(cell) for cell in report.rows["drive_0"]] == pytest.approx(shown, abs=1e-4)
    assert report.clouds == 1 and "best 1: drive_0 0000" in report.text


def test_footage_without_true_depth_or_poses(drive, tmp_path):
    model = Knowing(drive, METRIC, has_poses=False, use_stereo=True)
    places = places_of("folder", tmp_path, "", "", "")
    camera, own = Camera(NUMBERS, baseline=0.25), {"frame_step": 1, "val_share": 0.2}
    evaluation.evaluate(model, drive, camera, places, Truth("", None), **own)
    numbers = json.loads(places.metrics_json.read_text())["drive_0"]
    assert set(numbers) == {"frames", "error", "error_unwarped", "explained"}
    assert not list(tmp_path.glob("trajectory*"))


def test_true_depth_of_other_frames_is_told(drive, tmp_path):
    (tmp_path / "truth").mkdir()
    places, truth = places_of("folder", tmp_path, "", "", ""), Truth(tmp_path / "truth", None)
    own = {"frame_step": 1, "val_share": 0.1}
    with pytest.raises(InputError, match=r"has no depth of a held-out frame \(\d{6}.png"):
        evaluation.evaluate(Knowing(drive), drive, Camera(NUMBERS), places, truth, **own)
    assert not places.metrics_json.exists()


def test_how_footage_is_scaled():
    assert Truth("", 2.5).protocol.factor == 2.5 and not Truth("", 2.5).protocol.median
    assert Truth("", None).protocol.median and Truth("", None).protocol.factor == 1
    assert Truth("", 2.5, mono=True).protocol.median
    with pytest.raises(InputError, match="depth of these weights is not metric"):
        Truth("", None, stereo=True)
    with pytest.raises(InputError, match="choose one of --eval_mono and --eval_stereo"):
        Truth("", 2.5, mono=True, stereo=True)


@pytest.mark.parametrize("folder", ["clip.mp4", "clip", ""])
def test_where_true_depth_is_looked_for(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    depth = np.full((40, 60), 256 * 4, np.uint16)
    cv2.imwrite(str(tmp_path / folder / "000003.png"), depth)
    truth, disparity = Truth(tmp_path, 2.0), np.full((4, 6), 0.25, np.float32)
    score = truth.score("clip.mp4", tmp_path / "frames" / "000003.jpg", disparity)
    assert score.metrics["abs_rel"] == pytest.approx(1)  # 2 / 0.25 = 8 m, in truth 4 m
    assert truth.score("clip.mp4", tmp_path / "000004.jpg", disparity) is None


def test_the_mean_of_a_sequence():
    class Frame:
        score = None

        def __init__(self, error, unwarped):
            self.error, self.unwarped = error, unwarped

    found = summary([Frame(0.1, 0.2), Frame(0.2, 0.4)])
    assert found["frames"] == 2 and found["explained"] == pytest.approx(0.5)
    assert summary([Frame(0.0, 0.0)])["explained"] == 0
