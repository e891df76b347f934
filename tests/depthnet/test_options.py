"""Which options each program takes, what --help prints, and the saved configuration."""

import shutil

import pytest
import yaml

from tests.warm import WarmProgram

DEVICE = {"device_target", "device_id"}
CHECKPOINTS = {"coarse_ckpt_model", "fine_ckpt_model"}
DATA = {"mask_invalid", "skip_bad_samples"}
OPTIONS = {
    "eval.py": {
        *("test_data", "data_url", "eval_batch_size", "metrics_json"),
        *("save_panels", "panels_path", "report", *DEVICE, *CHECKPOINTS, *DATA),
    },
    "export.py": {"coarse_or_fine", "file_format", "export_path", *DEVICE, *CHECKPOINTS},
    "infer.py": {
        *("input_path", "output_path", "model_weights", "formats", "infer_crop"),
        *("infer_batch_size", "skip_bad_samples", *DEVICE),
    },
    "preprocess.py": {"dataset_path", "output_path", *DATA},
    "postprocess.py": {"result_path", "label_file", "acc_log", "mask_invalid"},
    "convert.py": {"source_path", "target_path"},
    "train.py": {
        *("run_distribute", "amp_level", "jit_level", "host_every", "seed", "data_url"),
        *("num_parallel_workers", "worker_processes", "train_url", "stage", "epochs_coarse"),
        *("epochs_fine", "coarse_net_train_step", "fine_net_train_step", "batch_size"),
        *("distributed_batch_size", "learning_rate_max", "learning_rate_min", "pre_trained"),
        *("continue_training", "resume", "resume_steps", "log_steps", "save_ckpt_steps"),
        *("keep_checkpoint_max", "is_modelarts", "modelarts_data", "modelarts_output"),
        *(*DEVICE, *DATA),
    },
}
# A value that is not allowed for one of the program's options, and what the answer says.
WRONG = {
    "eval.py": (["--eval_batch_size", 0], "eval_batch_size: got 0, allowed: min 1"),
    "export.py": (["--coarse_or_fine", "all"], "allowed: coarse, fine, both"),
    "infer.py": (["--formats", "png", "gif"], "formats: got 'gif', allowed: png, pfm, npy, color"),
    "preprocess.py": (["--mask_invalid", "no"], "mask_invalid: expected True or False, got 'no'"),
    "postprocess.py": (["--mask_invalid", 2], "mask_invalid: expected True or False, got '2'"),
    "convert.py": (["--target_path"], "target_path: a value is missing"),
    "train.py": (["--log_steps", 1.5], "log_steps: expected an integer, got '1.5'"),
}


@pytest.fixture(scope="module")
def depthnet(program, tmp_path_factory):
    """A copy of the model's folder of which the tests know all files."""
    folder = tmp_path_factory.mktemp("options") / "depthnet"
    ignored = shutil.ignore_patterns("Model", "NYU", "weights", "*.ckpt")
    warm = WarmProgram(shutil.copytree(program("depthnet").folder, folder, ignore=ignored))
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def defaults(depthnet):
    """{key: default} of config.yaml."""
    sections = yaml.safe_load((depthnet.folder / "config.yaml").read_text())
    for name in ("allowed", "aliases"):
        sections.pop(name)
    return {key: value for part in sections.values() for key, value in part.items()}


@pytest.mark.parametrize("script", OPTIONS)
def test_help_prints_the_program_s_options_and_no_others(depthnet, defaults, script):
    out, _ = depthnet.run(script, "--help")
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    found = {line.split(":")[0].strip(): line for line in lines if line[2].isalpha()}
    assert set(found) == OPTIONS[script] <= set(defaults)
    for line in found.values():
        assert "# " in line, f"no meaning: {line}"


def test_every_option_belongs_to_a_program(defaults):
    assert set().union(*OPTIONS.values()) == set(defaults)


def test_help_tells_default_meaning_and_choices(depthnet):
    out, _ = depthnet.run("train.py", "--help")
    line = next(line for line in out.splitlines() if line.startswith("  stage: both"))
    assert "# networks to train" in line and "coarse, fine, both" in line


@pytest.mark.parametrize("script", OPTIONS)
def test_an_option_of_another_program_is_refused_by_name(depthnet, script):
    other = "result_path" if script == "train.py" else "batch_size"
    owner = "postprocess.py" if script == "train.py" else "train.py"
    line = depthnet.refuse(script, f"--{other}", 4)
    assert f"{script} does not read {other}" in line and owner in line


@pytest.mark.parametrize("script", WRONG)
def test_a_wrong_value_is_answered_before_anything_is_built(depthnet, script):
    flags, message = WRONG[script]
    before = sorted(depthnet.folder.iterdir())
    out, err = depthnet.run(script, *flags, status=2)
    assert message in err and out == ""
    assert sorted(depthnet.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("eval.py", "coarse_ckpt_model"),
        ("eval.py", "test_data"),
        ("export.py", "coarse_ckpt_model"),
        ("infer.py", "input_path"),
        ("preprocess.py", "dataset_path"),
        ("postprocess.py", "result_path"),
    ],
)
def test_a_missing_input_is_answered_before_networks_are_built(
    depthnet, weights, nyu, script, missing
):
    """Nothing but the configuration is printed, and nothing is written."""
    given = {
        "coarse_ckpt_model": weights / "FinalCoarseNet.ckpt",
        "fine_ckpt_model": weights / "FinalFineNet.ckpt",
        "test_data": nyu,
        missing: "nowhere.ckpt",
    }
    paths = [weights / "FinalCoarseNet.ckpt", weights / "FinalFineNet.ckpt"]
    start = ["--model_weights", *paths] if script == "infer.py" else []
    flags = [word for key in OPTIONS[script] & set(given) for word in (f"--{key}", given[key])]
    before = sorted(depthnet.folder.iterdir())
    out, err = depthnet.run(script, *start, *flags, status=2)
    assert "error: " in err and "nowhere.ckpt" in err
    assert "wrote" not in out
    assert sorted(depthnet.folder.iterdir()) == before


def test_a_missing_checkpoint_is_answered_before_the_data_is_read(depthnet, tmp_path):
    """There is no data either: what is looked at first is a file that must be there."""
    flags = ["--data_url", "nowhere", "--train_url", tmp_path]
    for choice, name in (
        (["--stage", "fine"], "Ckpt/FinalCoarseNet.ckpt"),
        (["--pre_trained", "mine.ckpt"], "mine.ckpt"),
        (["--pre_trained", 1], "PreTrained/pre_trained.ckpt"),
        (["--continue_training", 1], "Ckpt/FinalCoarseNet.ckpt"),
    ):
        assert f"{name} does not exist" in depthnet.refuse("train.py", *flags, *choice)
    assert "nowhere/Train is not a folder" in depthnet.refuse("train.py", *flags)


@pytest.fixture(scope="module")
def saved(depthnet, nyu, tmp_path_factory):
    """config.yaml that a training saved; the training itself ends at its missing state."""
    url = tmp_path_factory.mktemp("saved")
    flags = ["--stage", "coarse", "--mask_invalid", "--skip_bad_samples", "--device_target", "CPU"]
    flags += ["--batch_size", 2, "--resume", "none.ckpt"]
    depthnet.refuse("train.py", "--data_url", nyu, "--train_url", url, *flags)
    return url / "config.yaml"


@pytest.mark.parametrize("script", OPTIONS)
def test_a_saved_configuration_is_read_back(depthnet, nyu, saved, script):
    """Each program takes its own keys from the file, and stops at an input that is missing."""
    lacking = {
        "eval.py": ["--coarse_ckpt_model", "none.ckpt"],
        "export.py": ["--coarse_ckpt_model", "none.ckpt"],
        "infer.py": ["--input_path", "none"],
        "preprocess.py": ["--dataset_path", "none"],
        "postprocess.py": ["--result_path", "none"],
        "convert.py": ["--source_path", "none.ckpt", "--target_path", "out.ckpt"],
        "train.py": ["--resume_steps", 3],
    }[script]
    wanted = {"data_url": nyu, "mask_invalid": True, "skip_bad_samples": True, "stage": "coarse"}
    wanted["device_target"] = "CPU"
    out, err = depthnet.run(script, "--config_path", saved, *lacking, status=2)
    assert "does not exist" in err or "is not a folder" in err or "holds no" in err
    words = " ".join(out.split())
    for key in OPTIONS[script] & set(wanted):
        assert f" {key}={wanted[key]} " in f"{words} "


def test_a_saved_configuration_holds_what_the_training_read(saved):
    assert set(yaml.safe_load(saved.read_text())) == OPTIONS["train.py"]
