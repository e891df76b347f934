"""Evaluation's parts: predictions in batches, foreign files, sequences, footage, reports."""

import csv
import json

import cv2
import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from monodepth2.src.evaluation import places_of
from monodepth2.src.evaluation.depth import TestSet
from monodepth2.src.evaluation.external import read_disparities
from monodepth2.src.evaluation.odometry import open_sequence, predict_motion, score_sequence
from monodepth2.src.evaluation.predicting import batches_of, predict_disparities
from monodepth2.src.evaluation.protocols import choose_protocol
from monodepth2.src.evaluation.reports import write_benchmark
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.depth_evaluation import blend_flipped
from monodepth2.src.sfm_utils.rotations import inverse_pose
from monodepth2.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from monodepth2.src.transforms import network_input
from tests.golden_files import golden_dir
from tests.monodepth2.golden_networks import arrays, filled

TestSet.__test__ = False
SIZE = 8, 16


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


class Mean(nn.Cell):
    """Disparity that falls from left to right, times the image's mean."""

    def construct(self, image):
        ramp = ms.Tensor(np.linspace(1, 0.5, image.shape[3], dtype=np.float32))
        return image.mean((1, 2, 3), True) * ramp * ms.ops.ones_like(image[:, :1])


def images(folder, count, height=12, width=20):
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        paths.append(folder / f"{number:06}.png")
        cv2.imwrite(str(paths[-1]), rng.integers(0, 256, (height, width, 3), np.uint8))
    return paths


def predicted(paths, **options):
    given = {"size": SIZE, "batch_size": 2, "post_process": False, "workers": 2, **options}
    return predict_disparities(Mean(), paths, **given)


def test_batches_follow_the_order_and_the_last_one_is_short(tmp_path):
    paths = images(tmp_path, 5)
    found = list(batches_of(paths, SIZE, 2, workers=3))
    assert [len(part) for part in found] == [2, 2, 1]
    expected = [network_input(cv2.imread(str(path))[..., ::-1], *SIZE) for path in paths]
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_predictions_do_not_depend_on_the_batch(tmp_path):
    paths = images(tmp_path, 5)
    expected = predicted(paths, batch_size=1)
    assert expected.shape == (5, *SIZE)
    for batch_size in (2, 5, 16):
        np.testing.assert_allclose(predicted(paths, batch_size=batch_size), expected, atol=1e-6)


def test_post_processing_blends_with_the_mirrored_image(tmp_path):
    paths = images(tmp_path, 3)
    plain = predicted(paths)
    # The stand-in's map does not depend on the image's sides: mirrored back it rises.
    expected = blend_flipped(plain, plain[..., ::-1])
    np.testing.assert_allclose(predicted(paths, post_process=True), expected, atol=1e-6)
    assert not np.allclose(expected, plain)


def test_the_network_s_disparities_are_the_original_s_with_and_without_post_processing(tmp_path):
    from monodepth2.src.networks import DepthDecoder, DisparityNet, ResnetEncoder
    from monodepth2.src.prediction.loading import ScaledDisparity

    inputs, golden = arrays("inputs.npz")["color_0_0"], arrays("eval.npz")
    paths = []
    for number, planes in enumerate(inputs):
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), planes.transpose(1, 2, 0)[..., ::-1])
    encoder = filled(ResnetEncoder(18), "encoder")
    depth = filled(DepthDecoder(encoder.num_ch_enc, (0,)), "depth_0")
    full = filled(DepthDecoder(encoder.num_ch_enc), "depth")
    for ours, theirs in zip(depth.decoder, full.decoder):
        for mine, other in zip(ours.get_parameters(), theirs.get_parameters()):
            mine.set_data(ms.Tensor(other.asnumpy()))
    cell = ScaledDisparity(DisparityNet(encoder, depth), (0.1, 100)).set_train(False)
    options = {"size": inputs.shape[2:], "batch_size": 2, "workers": 1}
    for name in ("net_nopp_disp_sub2", "net_pp_disp_sub2"):
        post_process = name.startswith("net_pp")
        got = predict_disparities(cell, paths, post_process=post_process, **options)
        # Scaled to 0.01..10: ten times the tolerance of the disparity itself.
        np.testing.assert_allclose(got[:, ::2, ::2], golden[name], atol=2e-4)


@pytest.mark.parametrize(("mono", "stereo"), [(False, False), (True, True)])
def test_one_of_mono_and_stereo_is_chosen(mono, stereo):
    with pytest.raises(InputError, match="either --eval_mono or --eval_stereo"):
        choose_protocol("eigen", mono=mono, stereo=stereo)


def test_the_scaling_of_mono_and_stereo():
    mono = choose_protocol("eigen", mono=True, stereo=False, factor=2.0)
    assert (mono.median, mono.factor, mono.valid) == (True, 2.0, "eigen")
    kept = choose_protocol("eigen", mono=True, stereo=False, keep_scale=True)
    assert (kept.median, kept.factor) == (False, 1.0)
    stereo = choose_protocol("eigen_benchmark", mono=False, stereo=True, factor=2.0)
    assert (stereo.median, stereo.factor, stereo.valid) == (False, 5.4, "positive")


def test_files_go_to_the_weights_or_where_they_are_told(tmp_path):
    places = places_of("eigen", tmp_path, "", "", "x.csv")
    assert places.folder == tmp_path and str(places.csv_file) == "x.csv"
    assert places.metrics_json == tmp_path / "metrics_eigen.json"
    assert places_of("eigen", tmp_path, "other", "", "").csv_file.parent.name == "other"


def lists(folder, count):
    """Lists of eigen and eigen_benchmark, the second without the first frame."""
    lines = [f"2011_09_26/2011_09_26_drive_0001_sync {n} l\n" for n in range(count)]
    for split, kept in (("eigen", lines), ("eigen_benchmark", lines[1:])):
        (folder / split).mkdir()
        (folder / split / "test_files.txt").write_text("".join(kept))
    return folder


def test_foreign_disparities_follow_the_user_s_list(tmp_path):
    values = np.random.default_rng(0).random((3, 4, 6)).astype(np.float32) + 0.1
    np.save(tmp_path / "d.npy", values)
    with pytest.raises(InputError, match="follows the order of a list that is not there"):
        read_disparities(tmp_path / "d.npy", "eigen", tmp_path, False)
    splits = lists(tmp_path, 3)
    np.testing.assert_array_equal(
        read_disparities(tmp_path / "d.npy", "eigen", splits, False), values
    )
    kept = read_disparities(tmp_path / "d.npy", "eigen_benchmark", splits, True)
    np.testing.assert_array_equal(kept, values[1:])
    (splits / "benchmark").mkdir()
    np.save(splits / "benchmark" / "eigen_to_benchmark_ids.npy", [2, 0])
    kept = read_disparities(tmp_path / "d.npy", "eigen_benchmark", splits, True)
    np.testing.assert_array_equal(kept, values[[2, 0]])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.zeros((2, 4, 6), np.float32), "must be above 0"),
        (np.full((2, 4, 6), np.nan, np.float32), "must be above 0"),
        (np.ones((4, 6), np.float32), "is 4x6 float32; expected"),
        (np.ones((2, 4, 6), np.int32), "int32; expected"),
        (np.array([{}], object), "is damaged or no .npy"),
    ],
)
def test_bad_disparities_are_refused(tmp_path, values, text):
    np.save(tmp_path / "d.npy", values, allow_pickle=True)
    with pytest.raises(InputError, match=text):
        read_disparities(tmp_path / "d.npy", "eigen", lists(tmp_path, 2), False)


@pytest.mark.parametrize("ids", [[-1], [3], [[0, 1]], [0.5]])
def test_bad_places_in_the_list_are_refused(tmp_path, ids):
    np.save(tmp_path / "d.npy", np.ones((3, 4, 6), np.float32))
    splits = lists(tmp_path, 3)
    (splits / "benchmark").mkdir()
    np.save(splits / "benchmark" / "eigen_to_benchmark_ids.npy", ids)
    with pytest.raises(InputError, match="holds no places|places -1 to|places 3 to"):
        read_disparities(tmp_path / "d.npy", "eigen_benchmark", splits, True)


def test_a_missing_ground_truth_names_the_command(kitti, tmp_path):
    with pytest.raises(InputError, match="python export_gt_depth.py --data_path .* --split eigen"):
        TestSet("eigen", lists(tmp_path, 2), kitti)
    TestSet("eigen", tmp_path, kitti, needs_truth=False)


def test_a_missing_image_names_its_archive(kitti, tmp_path):
    test = TestSet("eigen", lists(tmp_path, 2), tmp_path, needs_truth=False)
    with pytest.raises(InputError, match="unpack KITTI's 2011_09_26_drive_0001_sync.zip there"):
        test.images()


def test_the_benchmark_s_images_are_found_as_kitti_packs_them(tmp_path):
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "test_files.txt").write_text("image 0\nimage 1\n")
    (tmp_path / "image").mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / "image" / f"{number:010d}.png"), np.zeros((4, 6, 3), np.uint8))
    found = TestSet("benchmark", tmp_path, tmp_path).images()
    assert [path.name for path in found] == ["0000000000.png", "0000000001.png"]


def test_what_the_benchmark_s_server_takes(tmp_path, capsys):
    write_benchmark(np.full((2, 4, 6), 0.54, np.float32), tmp_path)
    files = sorted((tmp_path / "benchmark_predictions").iterdir())
    assert [file.name for file in files] == ["0000000000.png", "0000000001.png"]
    image = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16 and image.shape == (352, 1216) and (image == 2560).all()
    assert "No ground truth is available for the KITTI benchmark" in capsys.readouterr().out


class Forward(nn.Cell):
    """One metre ahead per frame, whatever the images show; remembers their means."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def construct(self, image, after):
        self.seen += zip(image.mean((1, 2, 3)).asnumpy(), after.mean((1, 2, 3)).asnumpy())
        vector = np.float32([0, 0, 0, 0, 0, -1])
        return ms.Tensor(np.tile(vector, (image.shape[0], 1, 1)))


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_each_image_is_paired_with_the_next_one(tmp_path, batch_size):
    paths, cell = images(tmp_path, 7), Forward()
    motion = predict_motion(cell, paths, size=SIZE, batch_size=batch_size, workers=2)
    assert motion.shape == (6, 4, 4)
    np.testing.assert_allclose(motion[:, 2, 3], -1)
    inputs = [network_input(cv2.imread(str(path))[..., ::-1], *SIZE) for path in paths]
    means = np.array([image.mean() / 255 for image in inputs])
    found = {tuple(int(np.abs(means - one).argmin()) for one in pair) for pair in cell.seen}
    assert found >= {(number, number + 1) for number in range(6)}
    assert found <= {(number, number + 1) for number in range(6)} | {(6, 6)}  # the filled batch


def test_a_true_motion_has_no_error(tmp_path, capsys):
    golden = np.loadtxt(golden_dir("monodepth2") / "pose_eval_gt_09.txt").reshape(-1, 3, 4)
    truth = np.tile(np.eye(4), (len(golden), 1, 1))
    truth[:, :3] = golden
    motion = inverse_pose(inverse_pose(truth[:-1]) @ truth[1:])
    motion[:, :3, 3] /= 5  # any scale
    score_sequence(motion, truth, "odom_9", places_of("odom_9", tmp_path, "", "", ""))
    out = capsys.readouterr().out
    assert "   Trajectory error: 0.000, std: 0.000\n" in out
    numbers = json.loads((tmp_path / "metrics_odom_9.json").read_text())
    assert numbers["ate_rmse"] < 1e-3 and numbers["scale"] == pytest.approx(5, rel=1e-4)
    np.testing.assert_allclose(np.load(tmp_path / "poses.npy"), motion, atol=1e-6)
    places = read_kitti_poses(tmp_path / "odom_9_kitti.txt")[:, :3, 3]
    np.testing.assert_allclose(places, truth[:, :3, 3], atol=1e-2)
    assert len(read_tum(tmp_path / "odom_9_tum.txt")) == len(truth)
    assert (tmp_path / "odom_9.png").is_file()


def test_a_sequence_needs_its_poses_and_images(odometry, tmp_path):
    paths, truth = open_sequence(odometry, "odom_9")
    assert len(paths) == len(truth) == 8 and paths[0].suffix == ".png"
    with pytest.raises(InputError, match="10.txt is missing"):
        open_sequence(odometry, "odom_10")
    (tmp_path / "poses").symlink_to(odometry / "poses")
    with pytest.raises(InputError, match="unpack KITTI's data_odometry_color.zip"):
        open_sequence(tmp_path, "odom_9")


def read_csv(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_perfect_prediction_has_no_error_and_panels_show_it(kitti, tmp_path, capsys):
    from monodepth2.src.datasets.gt_depths import ground_truth, write_gt_depths
    from monodepth2.src.sfm_utils.lists import read_split

    (tmp_path / "eigen").mkdir()
    text = (kitti / "splits" / "synthetic" / "test_files.txt").read_text().splitlines(True)[4:7]
    (tmp_path / "eigen" / "test_files.txt").write_text("".join(text))
    frames = read_split(tmp_path / "eigen" / "test_files.txt")
    depths = list(ground_truth(kitti, frames, "eigen"))
    write_gt_depths(tmp_path / "eigen" / "gt_depths.npz", depths)
    test = TestSet("eigen", tmp_path, kitti)
    disparities = [1 / np.where(depth > 0, depth, 50) for depth in depths]
    disparities[1] = 1.1 * disparities[1]
    protocol = choose_protocol("eigen", mono=True, stereo=False, keep_scale=True)
    places = places_of("eigen", tmp_path / "w", "", "", "")
    test.evaluate(disparities, protocol, places, 1, tmp_path / "panels")
    rows = read_csv(places.csv_file)
    errors = [float(row["abs_rel"]) for row in rows]
    assert errors == pytest.approx([0, 1 - 1 / 1.1, 0], abs=1e-5)
    assert rows[1]["frame"] == f"{frames[1].folder} {frames[1].index}"
    means = json.loads(places.metrics_json.read_text())
    assert means["abs_rel"] == pytest.approx(np.mean(errors), abs=1e-6) and means["images"] == 3
    out = capsys.readouterr().out
    assert "-> Evaluating\n   Mono evaluation - disabling median scaling, scaling by 1\n\n" in out
    assert "   abs_rel |   sq_rel |" in out and out.count("\\\\") == 1 and "-> Done!" in out
    names = {path.name for path in (tmp_path / "panels").iterdir()}
    assert names == {"worst1.png", "best1.png"}
    with pytest.raises(InputError, match="2 predictions for 3 frames"):
        test.evaluate(disparities[:2], protocol, places)
