"""Graphs of several images: the program with the real runtime on CPU against numpy, and infer.py.

Tolerances: Lite's float32 against float64; positions of a Gather may round to the next pixel, whose
share is then near 0 or 1, so warped values stay close too.
"""

import json
import shutil
from functools import partial

import cv2
import numpy as np
import pytest
from PIL import Image

from monodepth2.src.model_utils.media import predict_all
from monodepth2.src.sfm_utils.flow_files import read_flo, read_flow_png
from monodepth2.src.sfm_utils.intrinsics import Intrinsics
from monodepth2.src.sfm_utils.pose_path import PoseConvention
from monodepth2.src.sfm_utils.results import DepthJob, FlowJob, PoseJob, enlarge_flow, write_tensors
from monodepth2.src.sfm_utils.trajectories import read_tum
from tests.ascend310_infer import tiny_video
from tests.ascend310_infer.conftest import DATA, model, photo

ATOL = 2e-5  # of outputs of order 1
CAMERA = Intrinsics(**tiny_video.CAMERA)
NUMBERS = [8, 9, 10, 11, 12]  # names whose order by letter is another


@pytest.fixture
def drive(tmp_path):
    """A folder with a sequence of five images: (folder, {name: (H, W, 3) RGB})."""
    folder = tmp_path / "in"
    folder.mkdir()
    images = {}
    for number in NUMBERS:
        bgr = photo(number, CAMERA.height, CAMERA.width)
        cv2.imwrite(str(folder / f"{number}.png"), bgr)
        images[str(number)] = bgr[..., ::-1]
    return folder, images


def prepare(rgb):
    """What the network sees, by Pillow: (3, h, w) float32."""
    size = tiny_video.SIZE[::-1]
    pixels = Image.fromarray(np.ascontiguousarray(rgb)).resize(size, Image.Resampling.LANCZOS)
    values = np.float32(np.asarray(pixels)) * np.float32(tiny_video.IMAGE["scale"])
    return values.transpose(2, 0, 1)


def frames_of(images, number, *offsets):
    """The prepared images (1, 3, h, w) around a frame."""
    return [prepare(images[str(number + offset)])[None] for offset in offsets]


def matrices():
    K = CAMERA.resized(*tiny_video.SIZE).matrix
    return np.float32(K).astype(float), np.linalg.inv(K)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def changed(name, folder, change):
    """A graph with another sidecar: `change` takes the JSON."""
    shutil.copy(model(name), folder / f"{name}.mindir")
    sidecar = json.loads((DATA / f"{name}.json").read_text())
    change(sidecar)
    (folder / f"{name}.json").write_text(json.dumps(sidecar))
    return folder / f"{name}.mindir"


@pytest.mark.parametrize("batch", [0, 2, 8])
def test_three_frames_give_the_result_of_the_middle_one(infer, drive, batch):
    folder, images = drive
    out, _ = infer("--mindir", model("motion"), "--input", folder, "--batch", batch)
    assert names(infer.folder / "result_Files") == ["10_0.bin", "11_0.bin", "9_0.bin"]
    assert "left out 2 images at the ends of their sequences: the graph takes frames -1 to 1" in out
    assert "predicted 3/3 files" in out and "infer_count 3" in out
    for number in NUMBERS[1:-1]:
        expected = tiny_video.motion(*frames_of(images, number, -1, 0, 1))
        got = infer.result(f"{number}_0.bin", expected.shape)
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL, err_msg=number)


@pytest.mark.parametrize("as_alias", [False, True])
def test_a_warp_inside_the_last_of_three_graphs(infer, drive, as_alias):
    folder, images = drive
    graphs = ["--mindir", model("motion"), model("steps"), model("warp")]
    if as_alias:
        graphs = [*graphs[:3], "--fine_mindir", model("warp")]
    infer(*graphs, "--input", folder, "--formats", "bin,flo,png,color")
    worst = 0
    for number in NUMBERS[1:-1]:
        before, image, after = frames_of(images, number, -1, 0, 1)
        disparity = tiny_video.motion(before, image, after)
        poses = tiny_video.steps(before, image, after)
        flow, warped = tiny_video.warp(image, after, disparity, poses, *matrices())
        assert np.abs(flow).max() > 1, "a warp by nothing would prove nothing"
        got = infer.result(f"{number}_0.bin", flow.shape)
        np.testing.assert_allclose(got, flow, rtol=0, atol=1e-4, err_msg=number)
        got_warped = infer.result(f"{number}_1.bin", warped.shape)
        np.testing.assert_allclose(got_warped, warped, rtol=0, atol=1e-4, err_msg=number)
        worst = max(worst, np.abs(after - warped).max())
    assert worst > 0.05


def test_flow_files_are_those_of_infer_py(infer, drive, tmp_path):
    folder, images = drive
    infer("--mindir", model("flow"), "--input", folder, "--formats", "bin,flo,png,color")
    results = infer.folder / "result_Files"
    made = tmp_path / "python"

    class Predictor:
        batch_size = 2

        def batch(self, pairs):
            for (now, then), number in zip(pairs, self.numbers):
                assert (now == images[str(number)]).all() and (then != now).any()
            shape = (2, *tiny_video.SIZE)
            flows = [infer.result(f"{number}_0.bin", shape) for number in self.numbers[:2]]
            self.numbers = self.numbers[2:]
            return [enlarge_flow(flow, CAMERA.height, CAMERA.width) for flow in flows]

    predictor = Predictor()
    predictor.numbers = NUMBERS[:-1]
    options = {"kind": "flow", "formats": ["flo", "png", "color"], "output_path": made}
    make_job = partial(FlowJob, offsets=(0, 1))
    predict_all(predictor, input_path=str(folder), make_job=make_job, **options)
    assert [name for name in names(results) if "bin" not in name] == names(made)
    for number in NUMBERS[:-1]:
        expected = tiny_video.flow(*frames_of(images, number, 1, 0))
        got = infer.result(f"{number}_0.bin", expected.shape)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)
        written, flow = (read_flo(place / f"{number}.flo") for place in (results, made))
        assert np.abs(flow).max() > 4
        np.testing.assert_allclose(written, flow, rtol=0, atol=1e-5)
        assert read_flow_png(results / f"{number}.png")[1].all()
        stored = (cv2.imread(str(p / f"{number}.png"), -1).astype(int) for p in (results, made))
        assert np.abs(np.subtract(*stored)).max() <= 1  # truncated to 1/64 pixel
        colors = (cv2.imread(str(p / f"{number}_color.png")).astype(int) for p in (results, made))
        assert np.abs(np.subtract(*colors)).max() <= 1


def read_ply(path):
    header, data = path.read_bytes().split(b"end_header\n", 1)
    dtype = [(name, "<f4") for name in "xyz"] + [(name, "u1") for name in "rgb"]
    points = np.frombuffer(data, dtype)
    assert f"element vertex {len(points)}\n".encode() in header
    return points


@pytest.mark.parametrize("scale", [None, 2.0])
def test_metres_and_points_are_those_of_infer_py(infer, drive, tmp_path, scale):
    folder, images = drive
    flags = ["--mindir", model("motion"), "--input", folder, "--formats", "bin,png,pfm,color,ply"]
    infer(*flags, *(["--metric_scale", scale] if scale else []))
    results, made = infer.folder / "result_Files", tmp_path / "python"

    class Predictor:
        batch_size = 1
        number = NUMBERS[1]

        def batch(self, triples):
            ((before, image, after),) = triples
            for offset, rgb in ((-1, before), (0, image), (1, after)):
                assert (rgb == images[str(self.number + offset)]).all()
            values = infer.result(f"{self.number}_0.bin", tiny_video.SIZE)
            self.number += 1
            return [cv2.resize(values, (CAMERA.width, CAMERA.height))]

    make_job = partial(
        DepthJob,
        offsets=(-1, 0, 1),
        metric_scale=scale or tiny_video.METRIC_SCALE,
        camera=CAMERA,
    )
    options = {"kind": "disparity", "formats": ["png", "pfm", "color", "ply"]}
    options |= {"input_path": str(folder), "output_path": made, "make_job": make_job}
    predict_all(Predictor(), **options)
    assert [name for name in names(results) if not name.endswith("bin")] == names(made)
    for number in NUMBERS[1:-1]:
        stored = [cv2.imread(str(p / f"{number}.png"), -1).astype(int) for p in (results, made)]
        assert np.abs(stored[0] - stored[1]).max() <= 1
        disparity = cv2.imread(str(made / f"{number}.pfm"), -1)
        metres = (scale or tiny_video.METRIC_SCALE) / disparity
        assert np.abs(stored[1] - np.minimum(1000 * metres, 65535)).max() <= 1
        points, expected = (read_ply(p / f"{number}.ply") for p in (results, made))
        assert len(points) == len(expected) == CAMERA.height * CAMERA.width
        for axis in "xyz":
            np.testing.assert_allclose(points[axis], expected[axis], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(points["z"].reshape(metres.shape), metres, rtol=1e-5)
        u = points["x"] / points["z"] * CAMERA.fx + CAMERA.cx
        np.testing.assert_allclose(u.reshape(metres.shape)[0], np.arange(CAMERA.width), atol=1e-3)
        colors = np.stack([points[channel] for channel in "rgb"], -1)
        assert (colors.reshape(images[str(number)].shape) == images[str(number)]).all()


@pytest.mark.parametrize("rotation", ["euler_xyz", "axis_angle"])
def test_the_trajectory_is_that_of_infer_py(infer, drive, tmp_path, rotation):
    folder, images = drive
    pairs = ((0, -1), (0, 1))
    convention = PoseConvention(rotation, "translation_rotation", pairs, scale=3.0)

    def change(sidecar):
        sidecar["outputs"][0].update(convention.sidecar)

    graph = changed("steps", tmp_path, change)
    infer("--mindir", graph, "--input", folder, "--formats", "bin,tum")
    made = tmp_path / "python"

    class Predictor:
        batch_size = 1
        number = NUMBERS[1]

        def batch(self, triples):
            seen = frames_of(images, self.number, -1, 0, 1)
            got = infer.result(f"{self.number}_0.bin", (1, 2, 6))
            np.testing.assert_allclose(got, tiny_video.steps(*seen), rtol=0, atol=ATOL)
            self.number += 1
            return [got[0]]

    make_job = partial(PoseJob, offsets=(-1, 0, 1), convention=convention)
    options = {"kind": "pose", "formats": ["tum"], "input_path": str(folder)}
    predict_all(Predictor(), **options, output_path=made, make_job=make_job)
    got = read_tum(infer.folder / "result_Files" / "trajectory.txt")
    expected = read_tum(made / "trajectory.txt")
    assert got.times.tolist() == expected.times.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(got.world_from_camera, expected.world_from_camera, atol=2e-9)
    # By hand: the pair to the frame before comes first; that to the next tells of the last one.
    second, last = (convention.matrices(infer.result(f"{n}_0.bin", (2, 6))) for n in (9, 11))
    poses = got.world_from_camera
    np.testing.assert_allclose(poses[1], second[0], atol=1e-8)
    np.testing.assert_allclose(np.linalg.inv(poses[4]) @ poses[3], last[1], atol=1e-8)


def test_prepared_tensors_of_several_inputs(infer, drive, tmp_path):
    folder, images = drive
    bins = tmp_path / "bins"
    K, K_inverse = matrices()
    for number in NUMBERS[1:-1]:
        inputs = dict(zip(("before", "image", "after"), frames_of(images, number, -1, 0, 1)))
        write_tensors(bins, str(number), {**inputs, "K": K, "K_inverse": K_inverse})
    graphs = ["--mindir", model("motion"), model("steps"), model("warp")]
    infer(*graphs, "--input", folder)
    out, _ = infer(*graphs, "--input", bins, "--output", "from_bins")
    assert "left out" not in out and "infer_count 3" in out
    for number in NUMBERS[1:-1]:
        for name in (f"{number}_0.bin", f"{number}_1.bin"):
            expected = infer.result(name, -1)
            np.testing.assert_allclose(
                infer.result(name, -1, "from_bins"), expected, rtol=0, atol=ATOL
            )
    (bins / "9_K.bin").unlink()
    line = infer.refuse(*graphs, "--input", bins)
    assert "9_K.bin is missing" in line and "<name>_before" in line


def test_prepared_tensors_give_the_path_of_their_images(infer, drive, tmp_path):
    folder, images = drive
    for number in NUMBERS[1:-1]:
        inputs = zip(("before", "image", "after"), frames_of(images, number, -1, 0, 1))
        write_tensors(tmp_path / "bins", f"{number}", dict(inputs))
    flags = ["--mindir", model("steps"), "--formats", "tum", "--input"]
    infer(*flags, folder)
    infer(*flags, tmp_path / "bins", "--output", "from_bins")
    got, expected = (
        read_tum(infer.folder / name / "trajectory.txt") for name in ("from_bins", "result_Files")
    )
    assert got.times.tolist() == expected.times.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(got.world_from_camera, expected.world_from_camera, atol=1e-6)
    line = infer.refuse(
        "--mindir", model("motion"), "--formats", "ply", "--input", tmp_path / "bins"
    )
    assert "9_after.bin: --formats ply needs images, not .bin files" in line


def test_a_bad_image_takes_its_neighbours_results_with_it(infer, drive):
    folder, _ = drive
    for number in (1, 2, 3):
        shutil.copy(folder / "9.png", folder / f"{number}.png")
    (folder / "10.png").write_bytes(b"broken")
    flags = ["--mindir", model("steps"), "--input", folder, "--formats", "bin,tum"]
    line = infer.refuse(*flags)
    assert "10.png: not readable" in line
    assert names(infer.folder / "result_Files") == [
        "2_0.bin",
        "3_0.bin",
        "8_0.bin",
        "trajectory.txt",
    ]
    _, err = infer(*flags, "--skip_bad", "--output", "skipped", status=2)
    assert "1 of 8 files were bad and left out" in err
    assert names(infer.folder / "skipped") == ["2_0.bin", "3_0.bin", "8_0.bin", "trajectory.txt"]


def test_a_path_with_a_gap_is_in_pieces(infer, drive):
    folder, _ = drive
    for number in range(13, 18):
        shutil.copy(folder / f"{number - 5}.png", folder / f"{number}.png")
    (folder / "12.png").write_bytes(b"broken")
    flags = ["--mindir", model("steps"), "--input", folder, "--formats", "tum", "--skip_bad"]
    _, err = infer(*flags, status=2)
    assert "the path is in 2 pieces" in err
    results = infer.folder / "result_Files"
    assert read_tum(results / "trajectory.txt").times.tolist() == [0, 1, 2, 3]
    assert read_tum(results / "trajectory_1.txt").times.tolist() == [5, 6, 7, 8, 9]


def test_what_does_not_fit_is_told_before_anything_starts(infer, drive, tmp_path):
    folder, _ = drive
    motion = ["--mindir", model("motion"), "--input", folder]
    other = tmp_path / "camera.json"
    other.write_text(json.dumps({**tiny_video.CAMERA, "width": 63}))
    line = infer.refuse(*motion, "--formats", "ply", "--intrinsics", other)
    assert "8.png: the image is 64x48, but the intrinsics hold for 63x48" in line
    other.write_text("{")
    assert "camera.json: not readable" in infer.refuse(*motion, "--intrinsics", other)
    bare = changed("motion", tmp_path, lambda sidecar: sidecar.pop("intrinsics"))
    flags = ["--mindir", bare, "--input", folder, "--formats", "ply"]
    assert "needs the camera; give it with --intrinsics FILE" in infer.refuse(*flags)
    chain = ["--mindir", bare, model("steps"), model("warp"), "--input", folder]
    assert "the graph takes intrinsics; give them with --intrinsics" in infer.refuse(*chain)
    for formats, word in (("flo", "is depth, so only"), ("tum", "bin,png,pfm,color,ply")):
        assert word in infer.refuse(*motion, "--formats", formats)
    line = infer.refuse("--mindir", model("steps"), "--input", folder, "--formats", "png")
    assert "steps is poses, so only --formats bin,tum can be written, not png" in line
    unused = ["--mindir", model("motion"), model("steps"), "--input", folder]
    assert "motion.json: no graph after it takes what it gives" in infer.refuse(*unused)
    line = infer.refuse("--mindir", model("steps"), model("warp"), "--input", folder)
    assert "input disparity is output disparity of another graph; none of those" in line
    short = ["--mindir", model("motion"), "--input", folder / "8.png", folder / "9.png"]
    assert "no folder holds 3" in infer.refuse(*short)
    assert not (infer.folder / "result_Files").exists()
