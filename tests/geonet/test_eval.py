"""eval.py, geonet_main.py and kitti_eval/ as users run them: the goldens' files, rendered data."""

import csv
import io
import json
import re
import runpy
import shutil

import numpy as np
import pytest
from PIL import Image

from geonet.src.model_utils.checkpoint import prefix_names, save_networks
from geonet.src.sfm_utils.flow_files import read_flo
from geonet.src.sfm_utils.snippets import geonet_snippet
from geonet.src.sfm_utils.trajectories import read_tum
from tests.conftest import REPOSITORY
from tests.geonet import golden_trees
from tests.geonet.golden_networks import GOLDEN, arrays, filled
from tests.geonet.golden_trees import EXPECTED
from tests.reports import look_at, read_report

SEQUENCES = arrays("train_inputs.npz")  # 64x128


@pytest.fixture(scope="module")
def run(warm):
    """Runs a program of the copied model folder to its end."""
    return warm.run


@pytest.fixture(scope="module")
def refuse(warm):
    """The one line with which a program refuses a command."""
    return warm.refuse


def read_csv(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def column(rows, key):
    return [float(row[key]) for row in rows]


def assert_printed(out, lines):
    """The lines stand in the output, one after the other."""
    text = "\n".join(lines)
    assert f"\n{text}\n" in out, out


def test_depth_of_the_eigen_split_is_the_original_s(run, tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    files = ["--kitti_dir", f"{folder}/kitti/", "--pred_file", folder / "pred.npy"]
    panels = ["--save_panels", 1, "--panels_path", tmp_path / "panels"]
    panels += ["--report", tmp_path / "report.html"]
    out, _ = run(
        "kitti_eval/eval_depth.py",
        "--split=eigen",
        *files,
        "--split_dir",
        folder / "lists",
        *panels,
    )
    assert_printed(out, EXPECTED["depth_eigen"]["printed"])
    assert f"evaluating {folder / 'pred.npy'}..." in out
    rows = read_csv(folder / "eval_depth_errors.csv")
    expected = golden_trees.arrays("depth_metrics_per_image")[0]
    keys = "abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3"
    np.testing.assert_allclose([column(rows, key) for key in keys], expected, rtol=1e-5)
    assert rows[1]["frame"] == "2011_09_26/2011_09_26_drive_0002_sync 70"
    means = json.loads((folder / "eval_depth_metrics.json").read_text())
    assert means["images"] == 2 and means["a3"] == pytest.approx(expected[-1].mean(), rel=1e-5)
    assert {path.name for path in (tmp_path / "panels").iterdir()} == {"worst1.png", "best1.png"}
    report = read_report(tmp_path / "report.html")
    assert report.network["abs_rel"] == pytest.approx(means["abs_rel"], abs=1e-4)
    assert report.columns == ["network", "mean map", "constant"] and report.clouds == 1
    assert report.images == 2 * 4 and "drive_0002_sync 70" in report.text
    assert look_at(tmp_path / "report.html", tmp_path / "profile") == report.images


def test_depth_of_the_stereo_split_is_the_original_s_beside_a_scaled_d1(run, tmp_path):
    folder = golden_trees.write_stereo(tmp_path)
    files = ["--kitti_dir", folder / "kitti", "--pred_file", folder / "pred.npy"]
    out, _ = run("eval.py", "--mode=eval_depth", "--split=stereo", *files)
    assert_printed(out, EXPECTED["depth_stereo"]["printed"])
    means = json.loads((folder / "eval_depth_metrics.json").read_text())
    unscaled, scaled = means["d1_all_unscaled"], means["d1_all_scaled"]
    said = f"d1_all takes 1 / depth as disparity: {unscaled:.4f}; scaled by medians: {scaled:.4f}"
    assert said in out and scaled < unscaled == pytest.approx(98.8681, abs=1e-4)
    rows = read_csv(folder / "eval_depth_errors.csv")
    expected = golden_trees.arrays("stereo_metrics_per_image")[0]
    np.testing.assert_allclose(column(rows, "d1_all_unscaled"), expected[4], rtol=1e-5)
    np.testing.assert_allclose(column(rows, "rmse_log"), expected[3], rtol=1e-5)


@pytest.mark.parametrize(
    ("script", "length", "placed", "named"),
    [
        (["kitti_eval/eval_pose.py"], 3, "09_snippets/09", "09_snippets/"),
        (["eval.py", "--mode=eval_pose"], 5, "09_snippets", "09_snippets/09"),
    ],
)
def test_errors_of_snippets_are_the_original_s(run, tmp_path, script, length, placed, named):
    predicted = tmp_path / "pred"
    golden_trees.write_snippets(tmp_path / placed, predicted, length)
    (predicted / "notes.txt").write_text("no snippet\n")
    (predicted / "odom_09.png").write_bytes(b"a plot")
    out, _ = run(*script, f"--gtruth_dir={tmp_path}/{named}", f"--pred_dir={predicted}/")
    expected = EXPECTED["ate"][str(length)]
    assert_printed(out, [f"Predictions dir: {predicted}/", expected["printed"]])
    rows = {row["snippet"]: row["ate"] for row in read_csv(predicted / "eval_pose_errors.csv")}
    for name, ate in expected["per_file"].items():
        text = rows[name]
        assert text == "" if ate is None else float(text) == pytest.approx(ate, rel=1e-5), name
    assert rows.keys() == expected["per_file"].keys()
    means = json.loads((predicted / "eval_pose_metrics.json").read_text())
    assert means["ate_mean"] == pytest.approx(expected["mean"], rel=1e-5)
    assert means["ate_std"] == pytest.approx(expected["std"], rel=1e-5)


def test_errors_of_flow_are_the_original_s(run, tmp_path):
    folder = golden_trees.write_flow(tmp_path)
    shutil.copy(folder / "pred" / "png" / "000000.png", folder / "pred" / "png" / "000777.png")
    files = [f"--dataset_dir={folder}/kitti/", f"--pred_dir={folder}/pred/"]
    out, _ = run("kitti_eval/eval_flow.py", *files, "--output_dir", tmp_path / "numbers")
    assert_printed(out, EXPECTED["flow"]["printed"])
    assert (folder / "pred" / "flow_result.txt").read_text() == EXPECTED["flow"]["result_txt"]
    rows = read_csv(tmp_path / "numbers" / "eval_flow_errors.csv")
    found = [column(rows, key) for key in ("noc_epe", "noc_accuracy", "occ_epe", "occ_accuracy")]
    (expected,) = golden_trees.arrays("flow_metrics_noc_epe_noc_acc_occ_epe_occ_acc_f64")
    np.testing.assert_allclose(np.transpose(found), expected, rtol=1e-9)
    means = json.loads((tmp_path / "numbers" / "eval_flow_metrics.json").read_text())
    fl = 100 * (1 - expected[:, 3]).mean()
    assert means["images"] == 3 and means["occ_fl"] == pytest.approx(fl)
    assert re.search(rf"Fl: .* noc, {fl:.2f} % occ\n", out)


def save_weights(path, names, mode, dispnet_encoder):
    """Weights of ours with the goldens' values, as a training leaves them."""
    networks = filled(names, dispnet_encoder=dispnet_encoder)
    record = {"networks": names, "mode": mode, "dispnet_encoder": dispnet_encoder, "step": 7}
    record |= {"scale_normalize": False, "flownet_type": "residual", "seq_length": 3}
    if len(names) > 1:
        prefix_names(networks)
    save_networks(networks, path, {**record, "img_height": 64, "img_width": 128})
    return path


@pytest.fixture(scope="module")
def rigid(tmp_path_factory):
    """Weights of train_rigid with the VGG encoder."""
    path = tmp_path_factory.mktemp("rigid") / "model-7.ckpt"
    return save_weights(path, ["depth_net", "pose_net"], "train_rigid", "vgg")


@pytest.mark.slow
def test_depth_of_a_network_is_the_original_s_and_is_evaluated(run, rigid, tmp_path):
    """Two images in a batch of four, with laser scans; the file then gives the same numbers."""
    folder, nets = golden_trees.write_eigen(tmp_path), arrays("nets.npz")
    for image, name in zip(nets["img"], EXPECTED["depth_eigen"]["test_files"]):
        Image.fromarray(image).save(folder / "kitti" / name)
    out_dir = tmp_path / "out"
    weights = f"--init_ckpt_file={rigid.with_suffix('')}"
    test_set = ["--depth_test_split=eigen", "--split_dir", folder / "lists"]
    out, _ = run(
        "geonet_main.py",
        "--mode=test_depth",
        f"--dataset_dir={folder}/kitti/",
        weights,
        f"--output_dir={out_dir}/",
        "--batch_size=4",
        *test_set,
        *("--report", out_dir.parent / "report.html"),
    )
    assert read_report(out_dir.parent / "report.html").images == 2 * 4
    assert "the weights are of img_height 64 (not 128), img_width 128 (not 416)" in out
    assert "processing: 0/2\n" in out
    depths = np.load(out_dir / "model-7.npy")
    assert depths.shape == (2, 64, 128) and depths.dtype == np.float32
    expected = nets["disp_vgg_infer_s0_sub4"][..., 0]
    np.testing.assert_allclose(1 / depths[:, 2::4, 2::4], expected, rtol=0, atol=5e-5)
    assert len(read_csv(out_dir / "test_depth_errors.csv")) == 2
    files = ["--kitti_dir", folder / "kitti", "--pred_file", out_dir / "model-7.npy"]
    again, _ = run("eval.py", "--mode", "eval_depth", *files, *test_set)
    assert_printed(again, re.search(r" *abs_rel,.*\n.*", out)[0].splitlines())


def write_sequence(folder):
    """The goldens' two samples as frames 0 to 2 and 3 to 5 of a sequence 09."""
    golden_trees.write_odometry(folder)
    for number, seq in enumerate(SEQUENCES["seq"]):
        for place, first in enumerate((3, 0, 6)):
            path = folder / "sequences/09/image_2" / f"{3 * number + place:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(seq[..., first : first + 3]).save(path)
    for name in ("poses/09.txt", "sequences/09/times.txt"):
        lines = (folder / name).read_text().splitlines(True)
        (folder / name).write_text("".join(lines[:6]))
    return folder


def test_poses_of_a_tensorflow_checkpoint_are_the_original_s_and_are_evaluated(run, tmp_path):
    """The Ascend port's line; the times, and poses of the goldens as the truth."""
    folder, out_dir = write_sequence(tmp_path / "odometry"), tmp_path / "pred"
    out, _ = run(
        "geonet_main.py",
        "--mode=test_pose",
        f"--dataset_dir={folder}/",
        f"--init_ckpt_file={GOLDEN / 'ckpt_pose' / 'model-12345'}",
        "--batch_size=1",
        "--seq_length=3",
        "--pose_test_seq=9",
        f"--output_dir={out_dir}",
        *("--img_height", 64, "--img_width", 128),
        *("--report", tmp_path / "report.html"),
    )
    assert "Progress: 0/6\n" in out
    report = read_report(tmp_path / "report.html")
    (ate,) = re.findall(r"ATE mean: (\S+),", out)
    assert report.columns == ["network", "straight on"] and report.images == 1
    assert report.network["ate_mean"] == pytest.approx(float(ate), abs=1e-4)
    expected = arrays("ckpt_pose_expect.npz")["poses_with_target_inserted"]
    for name, poses in zip(("000000.txt", "000003.txt"), expected):
        found = read_tum(out_dir / name).world_from_camera
        np.testing.assert_allclose(found, geonet_snippet(poses), rtol=0, atol=2e-6)
    assert len(list(out_dir.glob("0*.txt"))) == 4
    assert {path.name for path in out_dir.glob("[a-z]*")} == {
        "odom_09.png",
        "odom_09_kitti.txt",
        "odom_09_tum.txt",
        "test_pose_errors.csv",
        "test_pose_metrics.json",
    }
    (whole,) = re.findall(r"^Whole sequence, 7-DoF alignment: ATE (\S+) m", out, re.M)
    assert float(whole) < 3
    golden_trees.write_snippets(tmp_path / "truth" / "09", tmp_path / "unused", 3)
    files = [f"--gtruth_dir={tmp_path}/truth/", f"--pred_dir={out_dir}"]
    again, _ = run("eval.py", "--mode=eval_pose", *files)
    assert_printed(again, re.search(r"Predictions dir: .*\nATE mean: .*", out)[0].splitlines())


@pytest.mark.slow
def test_flow_of_networks_is_the_original_s_and_is_evaluated(run, tmp_path):
    weights = tmp_path / "weights" / "model-9.ckpt"
    names = ["depth_net", "pose_net", "flow_net"]
    save_weights(weights, names, "train_flow", "resnet50")
    folder = golden_trees.write_flow(tmp_path)
    strips = tmp_path / "strips"
    for number, (seq, K) in enumerate(zip(SEQUENCES["seq"], SEQUENCES["K"])):
        data = io.BytesIO()  # PNG under the name .jpg: values stay as they are
        frames = [seq[..., first : first + 3] for first in (3, 0, 6)]
        Image.fromarray(np.hstack(frames)).save(data, "PNG")
        (strips / "sub_folder_02").mkdir(parents=True, exist_ok=True)
        (strips / "sub_folder_02" / f"{number:06d}.jpg").write_bytes(data.getvalue())
        camera = ",".join(repr(float(value)) for value in K.ravel())
        (strips / "sub_folder_02" / f"{number:06d}_cam.txt").write_text(camera)
    (strips / "test_flow.txt").write_text("sub_folder_02 000000\nsub_folder_02 000001\n")
    for kind in ("noc", "occ"):
        (folder / "kitti/training" / f"flow_{kind}" / "000002_10.png").unlink()
    flags = ["--dataset_dir", strips, "--init_ckpt_file", weights, "--batch_size", 2]
    truth = ["--gt_flow_dir", folder / "kitti", "--report", tmp_path / "report.html"]
    images = folder / "kitti" / "training" / "image_2"
    images.mkdir(exist_ok=True)
    for number in range(2):
        Image.fromarray(SEQUENCES["seq"][0, ..., :3]).save(images / f"{number:06d}_10.png")
    out, _ = run("eval.py", "--mode=test_flow", *flags, *truth, timeout=300)
    expected = arrays("train_flowinf_residual.npz")["fwd_full_flow_s0_sub4"]
    result = tmp_path / "weights" / "test_flow" / "model-9"  # for want of an output_dir
    for number, flow in enumerate(expected[2:]):  # of the second source
        found = read_flo(result / "binary" / f"{number:06d}.flo")
        assert found.shape == (64, 128, 2)
        np.testing.assert_allclose(found[2::4, 2::4], flow, rtol=0, atol=2e-4)
    assert len((result / "flow_result.txt").read_text().splitlines()) == 2
    report = read_report(tmp_path / "report.html")
    means = json.loads((result.parent / "test_flow_metrics.json").read_text())
    assert report.columns == ["network", "mean map", "mean flow"] and report.images == 2 * 4
    assert report.network["occ_epe"] == pytest.approx(means["occ_epe"], abs=1e-2)
    # Both know the answers: the finer one knows more.
    assert float(report.rows["occ_epe"][1]) < float(report.rows["occ_epe"][2])
    files = ["--dataset_dir", folder / "kitti", "--pred_dir", result]
    again, _ = run("eval.py", "--mode=eval_flow", *files)
    assert_printed(again, [line for line in out.splitlines() if line.startswith("Mean ")])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "mode train_rigid is one of train.py; eval.py has test_depth"),
        ("--mode test_depht", "mode: got 'test_depht', allowed: train_rigid"),
        ("--mode test_depth", "mode test_depth needs --dataset_dir"),
        ("--mode test_depth --dataset_dir x", "init_ckpt_file is missing"),
        (
            "--mode test_depth --dataset_dir x --init_ckpt_file W",
            "x is missing; expected the folder",
        ),
        (
            "--mode test_pose --dataset_dir x --init_ckpt_file W",
            "x/sequences/09/times.txt is missi",
        ),
        ("--mode test_flow --dataset_dir x --init_ckpt_file W", "but test_flow needs flow_net"),
        ("--mode test_pose --dataset_dir x --init_ckpt_file none", "none does not exist"),
        ("--mode eval_depth --kitti_dir x", "mode eval_depth needs --pred_file"),
        ("--mode eval_pose --gtruth_dir x --pred_dir y", "pred_dir y holds no .txt"),
        ("--mode eval_flow --dataset_dir x --pred_dir y", "x/training/flow_noc holds no 000000_10"),
        ("--mode eval_pose --gtruth_dir x --pred_dir y --report a.html", "eval_pose makes none"),
        ("--mode test_flow --dataset_dir x --init_ckpt_file none --report /", "/: expected a file"),
        ("--mode eval_pose --max_stepz 3", "unknown option 'max_stepz' on the command line"),
    ],
)
def test_mistakes_are_told_in_one_line(refuse, rigid, words, text):
    words = [str(rigid) if word == "W" else word for word in words.split()]
    assert text in refuse("eval.py", *words)


TRAINING = """--num_threads=32 --checkpoint_dir=C --learning_rate=0.0002 --max_to_keep=20
    --max_steps=300000 --save_ckpt_freq=5000 --alpha_recon_image=0.85 --rigid_warp_weight=1.0
    --disp_smooth_weight=0.5 --flow_warp_weight=1.0 --flow_smooth_weight=0.2
    --flow_consistency_weight=0.2 --flow_consistency_alpha=3.0 --flow_consistency_beta=0.05"""


def test_every_flag_of_the_original_is_taken_by_a_test(refuse, rigid):
    """All are read before the missing sequence is noticed."""
    own = "--batch_size=4 --img_height=128 --img_width=416 --seq_length=3 --dispnet_encoder=vgg"
    own += " --scale_normalize=False --flownet_type=residual --depth_test_split=eigen"
    files = [
        "--dataset_dir=x/",
        f"--init_ckpt_file={rigid}",
        "--output_dir=P",
        "--pose_test_seq=10",
    ]
    flags = ["--mode=test_pose", *own.split(), *TRAINING.split(), *files]
    assert "x/sequences/10/times.txt is missing" in refuse("geonet_main.py", *flags)


@pytest.mark.parametrize(
    ("words", "program"),
    [
        ("--mode=train_rigid --max_steps=3", "train.py"),
        ("--max_steps 3 --mode train_flow", "train.py"),
        ("--mode=test_pose", "eval.py"),
        ("--mode train_rigid --mode=test_depth", "eval.py"),
        ("--mode eval_pose", "eval.py"),
        ("--mode test_nothing", "eval.py"),
    ],
)
def test_the_original_s_program_hands_over_by_mode(monkeypatch, words, program):
    called = []
    script = REPOSITORY / "geonet" / "geonet_main.py"
    with monkeypatch.context() as patch:
        patch.setattr("sys.argv", [str(script), *words.split()])
        patch.setattr(runpy, "run_path", lambda path, run_name: called.append((path, run_name)))
        exec(script.read_text(), {"__file__": script, "__name__": "__main__"})
    assert called == [(str(REPOSITORY / "geonet" / program), "__main__")]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "error: mode is missing; give --mode, one of train_rigid, train_flow, test_depth"),
        ("--mode", "error: mode is missing; give --mode"),
        ("--mode=rigid --dataset_dir x", "error: unknown mode 'rigid'; give --mode, one of"),
    ],
)
def test_a_missing_or_unknown_mode_of_the_original_s_program_is_told(refuse, words, text):
    assert refuse("geonet_main.py", *words.split()).startswith(text)


KITTI_EVAL = {
    "eval_pose.py": ("eval.py", "--mode=eval_pose"),
    "eval_depth.py": ("eval.py", "--mode=eval_depth"),
    "eval_flow.py": ("eval.py", "--mode=eval_flow"),
    "generate_pose_snippets.py": ("prepare/generate_pose_snippets.py",),
    "generate_multiview_extension.py": ("prepare/generate_multiview_extension.py",),
}


@pytest.mark.parametrize("name", KITTI_EVAL)
def test_paths_of_the_original_hand_over(monkeypatch, name):
    called = []
    script = REPOSITORY / "geonet" / "kitti_eval" / name
    with monkeypatch.context() as patch:
        patch.setattr("sys.argv", [str(script), "--a", "b"])
        patch.setattr("os.execv", lambda path, words: called.append(words[1:]))
        exec(script.read_text(), {"__file__": script, "__name__": "__main__"})
    program, *mode = KITTI_EVAL[name]
    assert called == [[str(REPOSITORY / "geonet" / program), *mode, "--a", "b"]]


def test_every_path_of_kitti_eval_is_tested_and_is_no_package():
    found = {path.name for path in (REPOSITORY / "geonet" / "kitti_eval").glob("*.py")}
    assert found == set(KITTI_EVAL)
