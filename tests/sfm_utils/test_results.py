"""infer.py of video models: what is predicted from which frames, and the files that are left."""

from functools import partial

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils import images
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.media import predict_all
from monodepth2.src.sfm_utils import flow_files, results
from monodepth2.src.sfm_utils.intrinsics import Intrinsics
from monodepth2.src.sfm_utils.pose_path import PoseConvention
from monodepth2.src.sfm_utils.trajectories import read_tum

SIZE = (32, 48)
CAMERA = Intrinsics(40.0, 40.0, 24.0, 16.0, 48, 32)


class Network:
    """Predicts `make` of the red values of each sample's images."""

    batch_size = 2

    def __init__(self, make):
        self.make, self.seen = make, []

    def batch(self, samples):
        reds = [[int(image[0, 0, 0]) for image in sample] for sample in samples]
        self.seen += reds
        return [self.make(*red) for red in reds]


def grey(value):
    return np.full((*SIZE, 3), value, np.uint8)


def sequence(folder, values):
    """Images 0.png, 1.png, ... of these values; None is a broken one."""
    folder.mkdir(parents=True)
    for number, value in enumerate(values):
        path = folder / f"{number}.png"
        path.write_bytes(b"x") if value is None else images.write_png(path, grey(value))


def run(folder, network, make_job, formats, kind="disparity", **given):
    """The files that are left, by name."""
    out = folder.parent / "out"
    options = {"kind": kind, "formats": formats, "output_path": out, "make_job": make_job}
    predict_all(network, input_path=str(folder), **options, **given)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def flat(before, now, after):
    """A map that tells what it was made of."""
    return np.full(SIZE, before + now / 100 + after / 10000, np.float32)


DEPTH = partial(results.DepthJob, offsets=(-1, 0, 1))


def test_results_are_named_after_frame_0_and_the_ends_are_counted(tmp_path, capsys):
    sequence(tmp_path / "in", [10, 20, 30, 40, 50])
    network = Network(flat)
    assert run(tmp_path / "in", network, DEPTH, ["npy"]) == ["1.npy", "2.npy", "3.npy"]
    assert network.seen == [[10, 20, 30], [20, 30, 40], [30, 40, 50]]
    assert (np.load(tmp_path / "out" / "2.npy") == flat(20, 30, 40)).all()
    assert capsys.readouterr().out.endswith(", 0 left out, 2 without a neighbour\n")


def test_too_few_images_are_told_before_anything_starts(tmp_path):
    sequence(tmp_path / "in", [10, 20])
    with pytest.raises(InputError, match="in: the network sees frames -1 to 1"):
        run(tmp_path / "in", Network(flat), DEPTH, ["npy"])


def test_a_bad_image_takes_its_neighbours_results_with_it(tmp_path, capsys):
    sequence(tmp_path / "in", [1, 2, 3, None, 5, 6, 7])
    with pytest.raises(InputError, match="3.png: truncated"):
        run(tmp_path / "in", Network(flat), DEPTH, ["npy"])
    assert run(tmp_path / "in", Network(flat), DEPTH, ["npy"], skip_bad=True) == ["1.npy", "5.npy"]
    assert capsys.readouterr().out.endswith(", 1 left out, 4 without a neighbour\n")


def test_one_frame_is_given_as_an_image_and_its_lines_stay(tmp_path, capsys):
    sequence(tmp_path / "in", [10, 20])

    class Single:
        batch_size = 1

        def batch(self, given):
            assert given[0].shape == (*SIZE, 3)
            return [given[0][..., 0] / np.float32(10)]

    assert run(tmp_path / "in", Single(), results.DepthJob, ["npy"]) == ["0.npy", "1.npy"]
    assert capsys.readouterr().out.endswith(", 0 left out\n")


@pytest.mark.parametrize(
    ("kind", "scale", "expected"),
    [("disparity", 5.4, 2700), ("disparity", None, 0), ("depth", None, 2000), ("depth", 3, 6000)],
)
def test_16_bits_are_metres_where_the_scale_is_known(tmp_path, kind, scale, expected):
    sequence(tmp_path / "in", [10])

    class Two:
        batch_size = 1

        def batch(self, given):
            return [np.full(SIZE, 2, np.float32)]

    make_job = partial(results.DepthJob, metric_scale=scale)
    assert run(tmp_path / "in", Two(), make_job, ["png", "pfm"], kind) == ["0.pfm", "0.png"]
    assert (images.read_png(tmp_path / "out" / "0.png", 16) == expected).all()
    assert (images.read_pfm(tmp_path / "out" / "0.pfm") == 2).all()  # as the network gave it
    steps = partial(results.DepthJob, metric_scale=scale, levels_per_metre=500)
    run(tmp_path / "in", Two(), steps, ["png"], kind)
    assert (images.read_png(tmp_path / "out" / "0.png", 16) == expected / 2).all()


def test_points_have_the_colours_of_frame_0(tmp_path):
    sequence(tmp_path / "in", [10, 20, 30])
    make_job = partial(DEPTH, camera=CAMERA)
    assert run(tmp_path / "in", Network(flat), make_job, ["ply"]) == ["1.ply"]
    data = (tmp_path / "out" / "1.ply").read_bytes().split(b"end_header\n", 1)[1]
    assert data[12:15] == bytes([20, 20, 20])
    z = np.frombuffer(data[8:12], "<f4")[0]
    assert z == pytest.approx(1 / flat(10, 20, 30)[0, 0])


def test_a_camera_that_does_not_fit_is_told_before_anything_starts(tmp_path):
    sequence(tmp_path / "in", [10, 20, 30])
    network = Network(flat)
    wrong = partial(DEPTH, camera=CAMERA.resized(64, 96))
    with pytest.raises(InputError, match="0.png: the images are 48x32, but the intrinsics hold"):
        run(tmp_path / "in", network, wrong, ["ply"])
    with pytest.raises(InputError, match="formats ply needs the camera"):
        run(tmp_path / "in", network, DEPTH, ["ply"])
    video(tmp_path / "v.mp4", [1, 2])
    with pytest.raises(InputError, match="v.mp4: the images are 48x32, but"):
        run(tmp_path / "v.mp4", network, wrong, ["ply"])
    assert not network.seen and not (tmp_path / "out").exists()
    (tmp_path / "in" / "0.png").write_bytes(b"x")  # told when it is its turn
    with pytest.raises(InputError, match="1.png: the images are 48x32, but"):
        run(tmp_path / "in", network, wrong, ["ply"])


@pytest.mark.parametrize(
    ("job", "name", "message"),
    [
        (DEPTH, "flo", "formats flo: this model writes png, pfm, npy, color, ply"),
        (partial(results.FlowJob, offsets=(0, 1)), "pfm", "writes flo, png, color, npy"),
        (
            partial(results.PoseJob, offsets=(0, 1), convention=None),
            "color",
            "formats color: this model writes tum, npy",
        ),
    ],
)
def test_a_format_that_a_model_does_not_write_is_named(tmp_path, job, name, message):
    sequence(tmp_path / "in", [10, 20, 30])
    with pytest.raises(InputError, match=message):
        run(tmp_path / "in", Network(flat), job, [name])


def moved(now, then):
    """Flow to the right by the difference."""
    return np.stack([np.full(SIZE, then - now, np.float32), np.zeros(SIZE, np.float32)], -1)


def test_flow_is_written_in_each_format(tmp_path):
    sequence(tmp_path / "in", [10, 20, 35])
    make_job = partial(results.FlowJob, offsets=(0, 1))
    network = Network(moved)
    found = run(tmp_path / "in", network, make_job, ["flo", "png", "color", "npy"], "flow")
    endings = (".flo", ".npy", ".png", "_color.png")
    assert found == [f"{number}{ending}" for number in (0, 1) for ending in endings]
    out = tmp_path / "out"
    for number, (now, then) in enumerate(network.seen):
        flow = moved(now, then)
        assert (flow_files.read_flo(out / f"{number}.flo") == flow).all()
        assert (np.load(out / f"{number}.npy") == flow).all()
        assert (flow_files.read_flow_png(out / f"{number}.png")[0] == flow).all()
        colors = images.read_rgb(out / f"{number}_color.png")
        assert (colors == flow_files.flow_colors(flow)).all()


def video(path, values):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, SIZE[::-1])
    for value in values:
        writer.write(grey(value))
    writer.release()


def test_a_video_is_a_sequence_of_its_own(tmp_path):
    video(tmp_path / "v.mp4", [40, 80, 120, 160])
    network = Network(moved)
    make_job = partial(results.FlowJob, offsets=(0, 1))
    found = run(tmp_path / "v.mp4", network, make_job, ["flo", "color"], "flow")
    assert found == [*(f"v/{number:06}.flo" for number in range(3)), "v_color.mp4"]
    np.testing.assert_allclose(network.seen, [[40, 80], [80, 120], [120, 160]], atol=4)
    capture = cv2.VideoCapture(str(tmp_path / "out" / "v_color.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    capture.release()


def test_a_video_that_is_too_short_has_no_results(tmp_path, capsys):
    video(tmp_path / "v.mp4", [40, 80])
    assert run(tmp_path / "v.mp4", Network(flat), DEPTH, ["npy"]) == []
    assert capsys.readouterr().out.startswith("  processing")


def step(before, now, after):
    """Poses to both neighbours of a camera that drives ahead by the difference of the values."""
    return [[0, 0, now - before, 0, 0, 0], [0, 0, now - after, 0, 0, 0]]


def test_the_paths_of_a_folder_and_of_a_video(tmp_path):
    sequence(tmp_path / "in", [10, 20, 40, 70])
    video(tmp_path / "in" / "v.mp4", [50, 100, 150])
    convention = PoseConvention("euler_xyz", "translation_rotation", ((0, -1), (0, 1)))
    make_job = partial(results.PoseJob, offsets=(-1, 0, 1), convention=convention)
    found = run(tmp_path / "in", Network(step), make_job, ["tum", "npy"], "pose")
    assert found == ["1.npy", "2.npy", "trajectory.txt", "v/000001.npy", "v/trajectory.txt"]
    path = read_tum(tmp_path / "out" / "trajectory.txt")
    assert path.times.tolist() == [0, 1, 2, 3]
    assert path.world_from_camera[:, 2, 3].tolist() == [0, 10, 30, 60]
    path = read_tum(tmp_path / "out" / "v" / "trajectory.txt")
    np.testing.assert_allclose(path.world_from_camera[:, 2, 3], [0, 50, 100], atol=5)
    only = partial(run, tmp_path / "in", Network(step), make_job)
    for file in (tmp_path / "out").rglob("*.*"):
        file.unlink()
    assert only(["npy"], "pose") == ["1.npy", "2.npy", "v/000001.npy"]


def test_a_networks_flow_at_its_images_size():
    flow = np.stack([np.full((4, 8), 1.0), np.full((4, 8), -2.0)])
    large = results.enlarge_flow(flow, 12, 16)
    assert large.shape == (12, 16, 2) and large.dtype == np.float32
    assert (large[..., 0] == 2).all() and (large[..., 1] == -6).all()
    ramp = np.stack([np.arange(4.0)[None].repeat(2, 0), np.zeros((2, 4))])
    assert results.enlarge_flow(ramp, 2, 8)[0, :, 0].tolist() == [
        0,
        0.5,
        1.5,
        2.5,
        3.5,
        4.5,
        5.5,
        6,
    ]


def test_tensors_are_named_after_their_input(tmp_path):
    results.write_tensors(tmp_path, "a/1", {"image": np.ones((3, 2)), "K": np.eye(3)})
    results.write_tensors(tmp_path, "2", {"image": np.array([1, 2])})
    found = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.bin"))
    assert found == ["2.bin", "a/1_K.bin", "a/1_image.bin"]
    assert np.fromfile(tmp_path / "a" / "1_K.bin", "<f4").tolist() == np.eye(3).ravel().tolist()
