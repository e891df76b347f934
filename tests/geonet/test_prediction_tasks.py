"""What infer.py writes for each task, and what it answers before networks are built."""

import cv2
import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.prediction import Camera, formats_of, inputs_of, predict
from geonet.src.sfm_utils.flow_files import read_flo, read_flow_png
from geonet.src.sfm_utils.intrinsics import Intrinsics, write_intrinsics
from geonet.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from tests.geonet.predicted import Stub, grey, photo, save

CAMERA = Camera([100, 90, 32, 16])


@pytest.fixture
def folder(tmp_path):
    """Five images of 64x32 in an order that is not that of letters; red is the number."""
    return save(tmp_path / "in", **{str(number): grey(number) for number in (8, 9, 10, 11, 12)})


def run(path, task, formats=(), camera=CAMERA, scale=1.0, model=None, **options):
    """{name of a file: its path} of what is written."""
    model, out = model or Stub(), path.parent / f"out_{task}"
    files = {"input_path": inputs_of(str(path)), "output_path": out}
    files |= {"skip_bad": False, **options}
    predict(model, task, formats_of(task, formats), camera, scale, files)
    assert model.checked == [task]
    found = (file for file in sorted(out.rglob("*")) if file.is_file())
    return {file.relative_to(out).as_posix(): file for file in found}


def test_depth_in_metres(tmp_path, capsys):
    folder = save(tmp_path / "in", a=photo(0), b=photo(1, 60, 50))
    files = run(folder, "depth", scale=2.5)
    kinds = ".npy", ".pfm", ".png", "_color.png"
    assert list(files) == [f"{stem}{kind}" for stem in "ab" for kind in kinds]
    depth = np.load(files["b.npy"])
    assert depth.shape == (60, 50) and depth.dtype == np.float32
    np.testing.assert_array_equal(cv2.imread(str(files["b.pfm"]), -1), depth)
    millimetres = cv2.imread(str(files["b.png"]), -1)
    assert millimetres.dtype == np.uint16
    np.testing.assert_allclose(millimetres, np.minimum(1000 * depth, 65535), atol=1)
    assert "depth is in metres, 2.5 per unit of the network\n" in capsys.readouterr().out


def test_depth_that_is_known_up_to_scale_is_said_to_be(folder, capsys):
    files = run(folder, "depth", ["npy"])
    np.testing.assert_allclose(np.load(files["11.npy"]), np.full((32, 64), 12))
    assert "depth is known up to scale: a unit is written as a metre" in capsys.readouterr().out


def test_points_need_the_camera(folder):
    files = run(folder, "depth", ["ply"])
    assert b"element vertex 2048" in files["8.ply"].read_bytes()[:200]
    with pytest.raises(InputError, match="in: its camera is not known; give --intrinsics"):
        run(folder, "depth", ["ply"], Camera())


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_path_as_tum_and_kitti_text_and_a_plot(folder, capsys, scale):
    files = run(folder, "pose", camera=Camera(), scale=scale)
    assert list(files) == ["trajectory.png", "trajectory.txt", "trajectory_kitti.txt"]
    path = read_tum(files["trajectory.txt"])
    assert path.times.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(path.world_from_camera[:, 2, 3], scale * np.arange(5))
    np.testing.assert_allclose(
        read_kitti_poses(files["trajectory_kitti.txt"], 5), path.world_from_camera, atol=1e-6
    )
    assert cv2.imread(str(files["trajectory.png"])).shape == (640, 640, 3)
    out = capsys.readouterr().out
    assert "out_pose/trajectory: the path of frames 0 to 4\n" in out
    assert ("the path is known up to scale" in out) is (scale == 1)
    assert "3 images in" in out and "2 without a neighbour" in out


class Turning(Stub):
    """The pose of the source before is a metre, that of the source after ten metres."""

    def poses(self):
        predict = super().poses()
        return lambda images: predict(images) * np.float32([[[1], [10]]])


def test_a_step_is_the_pose_of_the_source_before_the_last_one_that_of_the_source_after(folder):
    files = run(folder, "pose", ["kitti"], model=Turning(batch_size=1))
    places = read_kitti_poses(files["trajectory_kitti.txt"])[:, 2, 3]
    assert np.diff(places).tolist() == [1, 1, 1, 10]


def test_each_folder_and_each_video_has_its_path(folder, footage):
    save(folder.parent / "more", **{f"{number}": grey(number) for number in range(4)})
    (folder / "clip.mp4").write_bytes((footage / "drive_0.mp4").read_bytes())
    files = run(folder.parent / "*" / "*", "pose", ["tum"])
    lengths = {name: len(read_tum(path)) for name, path in files.items()}
    ends = {"in/trajectory.txt": 5, "more/trajectory.txt": 4, "in/clip/trajectory.txt": 6}
    assert lengths == ends


def test_a_broken_image_ends_the_run_or_parts_the_path(folder, capsys):
    save(folder, **{f"{number}": grey(number) for number in range(13, 17)})
    (folder / "12.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"12\.png: truncated, or not an image"):
        run(folder, "pose")
    files = run(folder, "pose", skip_bad=True)
    assert len(files) == 6
    for name, numbers in (("trajectory", [0, 1, 2, 3]), ("trajectory_1", [5, 6, 7, 8])):
        assert read_tum(files[f"{name}.txt"]).times.tolist() == numbers
        assert len(read_kitti_poses(files[f"{name}_kitti.txt"])) == 4
    assert "left out: " in capsys.readouterr().err


def test_flow_from_each_frame_to_the_next_one(folder, capsys):
    files = run(folder, "flow")
    kinds = ".flo", ".png", "_color.png"
    assert list(files) == [f"{number}{kind}" for number in (10, 11, 9) for kind in kinds]
    for number in (9, 10, 11):
        flow = read_flo(files[f"{number}.flo"])
        np.testing.assert_allclose(flow, np.tile([number / 8, 10], (32, 64, 1)), rtol=1e-5)
        stored, valid = read_flow_png(files[f"{number}.png"])
        assert valid.all() and np.abs(stored - flow).max() <= 1 / 64
        assert cv2.imread(str(files[f"{number}_color.png"])).shape == (32, 64, 3)
    assert "3 images in" in capsys.readouterr().out


def test_each_sequence_is_seen_by_its_camera(folder):
    save(folder.parent / "wide", **{str(number): grey(16, 32, 128) for number in range(3)})
    write_intrinsics(folder / "intrinsics.json", Intrinsics(100, 90, 32, 16, 64, 32))
    write_intrinsics(folder.parent / "wide" / "intrinsics.json", Intrinsics(80, 9, 6, 1, 128, 32))
    files = run(folder.parent / "*" / "*.png", "flow", ["flo"], Camera())
    flow = read_flo(files["wide/1.flo"])  # fx is 20 at the network
    np.testing.assert_allclose(flow, np.tile([4 * 1.0, 2 * 2.0], (32, 128, 1)), rtol=1e-5)
    assert read_flo(files["in/9.flo"])[0, 0, 1] == pytest.approx(10)


def test_the_flow_of_a_residual_network_needs_the_camera_that_of_a_direct_one_does_not(folder):
    with pytest.raises(InputError, match="in: its camera is not known; give --intrinsics"):
        run(folder, "flow", camera=Camera())
    model = Stub()
    model.facts = model.facts._replace(flownet_type="direct")
    files = run(folder, "flow", ["flo"], Camera(), model=model)
    assert list(files) == ["10.flo", "11.flo", "8.flo", "9.flo"]


def test_a_video_gets_a_folder_and_a_video_of_colours(tmp_path, footage):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes((footage / "drive_0.mp4").read_bytes())
    files = run(clip, "flow", camera=Camera(field_of_view=80))
    names = [f"clip/{number:06}.{kind}" for number in (1, 2, 3, 4) for kind in ("flo", "png")]
    assert list(files) == [*names, "clip_color.mp4"]
    frames = cv2.VideoCapture(str(files["clip_color.mp4"])).get(cv2.CAP_PROP_FRAME_COUNT)
    assert frames == 4


class Unbuilt(Stub):
    """Weights whose networks must not be built."""

    def depth(self):
        raise AssertionError("built")

    poses = flow = depth


def test_too_few_frames_are_told_before_networks_are_built(tmp_path):
    folder = save(tmp_path / "in", one=grey(1), two=grey(2))
    for task in ("pose", "flow"):
        with pytest.raises(InputError, match="frames -1 to 1 of a sequence, and no folder holds 3"):
            run(folder, task, model=Unbuilt())
    with pytest.raises(InputError, match="its camera is not known"):
        run(folder, "depth", ["ply"], Camera(), model=Unbuilt())


def test_formats_of_each_task():
    assert formats_of("depth", []) == ("png", "pfm", "npy", "color")
    assert formats_of("pose", []) == ("tum", "kitti", "plot")
    assert formats_of("flow", []) == ("flo", "png", "color")
    assert formats_of("depth", ["ply", "npy"]) == ("ply", "npy")
    with pytest.raises(
        InputError, match="formats tum: task depth writes png, pfm, npy, color, ply"
    ):
        formats_of("depth", ["png", "tum"])
