"""Which options each program takes, what --help prints, and the saved configuration."""

import pytest
import yaml

DEVICE = {"device_target", "device_id"}
NETWORK = {"layers", "features", "groups", "width_per_group", "network_variant", "grouped_conv"}
IMAGE = {"img_width", "img_height", "nm_img_mean", "nm_img_std"}
RULE = {"resize_method", "ensure_multiple_of"}
OPTIONS = {
    "train.py": {
        *("run_distribute", "amp_level", "jit_level", "host_every", "seed", "train_data_dir"),
        *("mixdata", "train_list", "mask_invalid", "flip_probability", "skip_bad_samples"),
        *("num_parallel_workers", "worker_processes", "keep_aspect_ratio", "loss", "loss_alpha"),
        *("loss_scales", "train_url", "model_weights", "epoch_size", "batch_size", "lr_decay"),
        *("backbone_params_lr", "backbone_params_end_lr", "no_backbone_params_lr", "power"),
        *("no_backbone_params_end_lr", "resume", "resume_steps", "log_steps", "save_ckpt_steps"),
        *("keep_checkpoint_max", "is_modelarts", "data_url", "modelarts_data", "modelarts_output"),
        *(*DEVICE, *NETWORK, *IMAGE, *RULE),
    },
    "eval.py": {
        *("amp_level", "train_data_dir", "skip_bad_samples", "num_parallel_workers", "ckpt_path"),
        *("data_name", "datapath_Sintel", "datapath_Kitti", "datapath_TUM", "datapath_DIW"),
        *("datapath_ETH3D", "datapath_NYU", "eval_protocol", "eval_batch_size", "ann_file"),
        *(
            "csv_file",
            "TUM_onnx",
            "Kitti_onnx",
            "Sintel_onnx",
            "onnx_file",
            "save_panels",
            "report",
        ),
        *("panels_path", *DEVICE, *NETWORK, *IMAGE),
    },
    "export.py": {
        *("model_weights", "ckpt_path", "file_format", "export_path"),
        *(*DEVICE, *NETWORK, *IMAGE, *RULE),
    },
    "infer.py": {
        *("amp_level", "skip_bad_samples", "keep_aspect_ratio", "model_weights", "ckpt_path"),
        *("input_path", "output_path", "formats", "infer_batch_size"),
        *(*DEVICE, *NETWORK, *IMAGE, *RULE),
    },
    "preprocess.py": {"dataset_path", "dataset_name", "bin_path", "eval_protocol", *IMAGE},
    "postprocess.py": {
        *("dataset_path", "dataset_name", "result_path", "result_file", "eval_protocol"),
        *("img_width", "img_height"),
    },
    "convert.py": {"source_path", "target_path", *NETWORK},
}
ACCEPTED = {"in_channels", "resize_target"}
# A value that is not allowed for one of the program's options, and what the answer says.
WRONG = {
    "train.py": (["--loss", "l1"], "loss: got 'l1', allowed: ssi, ssimae_trimmed"),
    "eval.py": (["--eval_protocol", "zoo"], "eval_protocol: got 'zoo', allowed: standard, modelz"),
    "export.py": (["--network_variant", "tf"], "network_variant: got 'tf', allowed: torch, modelz"),
    "infer.py": (["--grouped_conv", "fast"], "grouped_conv: got 'fast', allowed: auto, native"),
    "preprocess.py": (["--dataset_name", "NYU"], "dataset_name: got 'NYU', allowed: Kitti, Sintel"),
    "postprocess.py": (["--img_width", 0], "img_width: got 0, allowed: min 32"),
    "convert.py": (["--layers", 3, "four"], "layers: expected an integer, got 'four'"),
}
# Options that name something that is not there, and words of the answer.
MISSING = {
    "train.py": (["--train_data_dir", "nowhere"], "nowhere/mixdata.json"),
    "eval.py": (["--ckpt_path", "nowhere.ckpt"], "nowhere.ckpt does not exist"),
    "export.py": (["--model_weights", "nowhere.ckpt"], "nowhere.ckpt does not exist"),
    "infer.py": (["--input_path", "nowhere"], "input_path nowhere does not exist"),
    "preprocess.py": (["--dataset_path", "nowhere"], "nowhere/TUM is not there"),
    "postprocess.py": (["--dataset_path", "nowhere"], "nowhere/TUM is not there"),
    "convert.py": (["--source_path", "nowhere.pth", "--target_path", "x.ckpt"], "nowhere.pth"),
}


@pytest.fixture(scope="module")
def midas(warm_midas):
    """Its programs."""
    return warm_midas


@pytest.fixture(scope="module")
def defaults(midas):
    """{key: default} of config.yaml."""
    sections = yaml.safe_load((midas.folder / "config.yaml").read_text())
    sections.pop("allowed")
    return {key: value for part in sections.values() for key, value in part.items()}


@pytest.mark.parametrize("script", OPTIONS)
def test_help_prints_the_program_s_options_and_no_others(midas, script):
    out, _ = midas.run(script, "--help")
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    found = {line.split(":")[0].strip(): line for line in lines if line[2].isalpha()}
    assert set(found) == OPTIONS[script]
    for line in found.values():
        assert "# " in line, f"no meaning: {line}"


def test_every_option_belongs_to_a_program(defaults):
    assert set().union(ACCEPTED, *OPTIONS.values()) == set(defaults)


def test_help_tells_default_meaning_and_choices(midas):
    out, _ = midas.run("eval.py", "--help")
    line = next(line for line in out.splitlines() if line.startswith("  data_name: all"))
    assert "# dataset" in line and line.endswith("all, Sintel, Kitti, TUM, DIW, ETH3D, NYU")


def test_eval_does_not_ignore_a_batch_size(midas):
    line = midas.refuse("eval.py", "--batch_size", 4)
    assert "eval.py does not read batch_size; " in line and "train.py" in line


@pytest.mark.parametrize("script", OPTIONS)
def test_an_option_of_another_program_is_refused_by_name(midas, script):
    other, owner = ("eval_batch_size", "eval.py") if script == "train.py" else ("seed", "train.py")
    line = midas.refuse(script, f"--{other}", 4)
    assert f"{script} does not read {other}; " in line and owner in line


@pytest.mark.parametrize("script", WRONG)
def test_a_wrong_value_is_answered_before_anything_is_built(midas, script):
    flags, message = WRONG[script]
    out, err = midas.run(script, *flags, status=2)
    assert message in err and out == ""


def test_training_refuses_images_of_several_sizes_before_anything_is_built(midas, tmp_path):
    url = ["--train_url", tmp_path / "out"]
    assert "keep_aspect_ratio" in midas.refuse("train.py", "--keep_aspect_ratio", "True", *url)
    assert not (tmp_path / "out").exists()


def test_keys_without_effect_are_accepted_by_every_program(midas):
    out, err = midas.run("convert.py", "--in_channels", 64, "--resize_target", status=2)
    assert "in_channels is accepted and has no effect" in out and "source_path" in err
    assert "resize_target: got False, allowed: True" in midas.refuse(
        "convert.py", "--resize_target", "False"
    )


@pytest.mark.parametrize("script", MISSING)
def test_a_missing_input_is_answered_in_one_line(midas, tmp_path, script):
    flags, message = MISSING[script]
    url = ["--train_url", tmp_path] if script == "train.py" else []
    assert message in midas.refuse(script, *flags, *url)


@pytest.fixture(scope="module")
def saved(midas, midas_data, tmp_path_factory):
    """ckpt/config.yaml of a training, which itself ends at its missing state."""
    url = tmp_path_factory.mktemp("saved")
    flags = ["--device_target", "CPU", "--features", 8, "--img_width", 64, "--seed", 7]
    flags += ["--train_data_dir", midas_data, "--layers", 1, 1, 1, 1, "--batch_size", 2]
    midas.refuse("train.py", "--resume", "none.ckpt", "--train_url", url, *flags)
    return url / "ckpt" / "config.yaml"


def test_a_saved_configuration_holds_what_the_training_read(saved):
    assert set(yaml.safe_load(saved.read_text())) == OPTIONS["train.py"]


@pytest.mark.parametrize("script", OPTIONS)
def test_a_saved_configuration_is_read_back(midas, saved, script):
    """Each program takes its own keys from the file, and stops at an input that is missing."""
    wanted = {"device_target": "CPU", "features": 8, "img_width": 64, "seed": 7}
    out, err = midas.run(script, "--config_path", saved, *MISSING[script][0], status=2)
    assert MISSING[script][1] in err
    words = f"{' '.join(out.split())} "
    for key in OPTIONS[script] & set(wanted):
        assert f" {key}={wanted[key]} " in words
