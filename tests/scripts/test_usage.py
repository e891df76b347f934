"""Every launcher refuses bad command lines with one line and status 2, before starting anything."""

import subprocess

import pytest

from tests.scripts.launchers import SCRIPTS, beside_python

LAUNCHERS = {
    "run_standalone_train_ascend": "DATASET_PATH DEVICE_ID",
    "run_standalone_train": "DATASET_PATH DEVICE_ID",
    "run_distribute_train": "DATASET_PATH RANK_TABLE_FILE|DEVICE_NUM",
    "run_train_gpu": "DEVICE_NUM DEVICE_IDS DATASET_PATH",
    "run_eval": "DATASET_PATH [COARSE_CKPT] [FINE_CKPT]",
    "run_export": "coarse|fine|both",
    "train_full_1p": "--data_path= --output_path=",
    "train_performance_1p": "--data_path= [--output_path=] [--steps=1000]",
}
ALL_SCRIPTS = sorted(SCRIPTS.rglob("*.sh"))


@pytest.mark.parametrize("script", LAUNCHERS)
def test_without_arguments_prints_usage(launchers, script):
    out, err = launchers.run(script, status=2)
    assert not out
    assert f"bash scripts/{script}.sh depthnet {LAUNCHERS[script]}\n" in err
    helped, nothing = launchers.run(script, "--help")
    assert helped == err and not nothing


@pytest.mark.parametrize("script", LAUNCHERS)
def test_unknown_model(launchers, script):
    line = launchers.refuse(script, "resnet", 1, 2)
    assert (
        line == "error: unknown model 'resnet'; the models are depthnet, geonet, midas, monodepth2"
    )


@pytest.mark.parametrize(
    ("script", "words", "expected"),
    [
        ("run_standalone_train_ascend", "{data}", "depthnet needs DEVICE_ID"),
        (
            "run_standalone_train",
            "{data}/missing 0",
            "DATASET_PATH: {data}/missing is not a folder",
        ),
        ("run_standalone_train", "{data} zero", "DEVICE_ID: 'zero' is not a number (0, 1, ...)"),
        ("run_standalone_train", "{data} -1", "DEVICE_ID: '-1' is not a number (0, 1, ...)"),
        ("run_standalone_train", "{data} 0 1", "unexpected argument '1'; flags of the program"),
        ("run_distribute_train", "{data}", "depthnet needs RANK_TABLE_FILE|DEVICE_NUM"),
        ("run_distribute_train", "{data} none.json", "none.json is not a file"),
        ("run_distribute_train", "{data} 0", "RANK_TABLE_FILE|DEVICE_NUM: '0' must be at least 1"),
        ("run_train_gpu", "2 0 {data}", "DEVICE_NUM is 2, but DEVICE_IDS names 1: 0"),
        ("run_train_gpu", "2 0,0 {data}", "DEVICE_IDS: 0,0 names a device twice"),
        ("run_train_gpu", "2 0,x {data}", "DEVICE_IDS: 'x' is not a number"),
        ("run_eval", "{data} {data}/none.ckpt", "COARSE_CKPT: {data}/none.ckpt is not a file"),
        ("run_export", "", "depthnet needs coarse|fine|both"),
        ("run_export", "medium", "'medium' is not one of coarse, fine, both"),
        ("train_full_1p", "--data_path={data}", "--output_path= is missing"),
        ("train_full_1p", "{data}", "unexpected argument '{data}'; write --data_path=FOLDER"),
        (
            "train_full_1p",
            "--data_path={data} --output_path={data}/net.ckpt/x",
            "cannot be written",
        ),
        ("train_performance_1p", "--data_path={data} --steps=0", "--steps: '0' must be at least 1"),
        ("train_performance_1p", "--data_path --steps=3", "is not a folder"),
    ],
)
def test_depthnet_arguments(launchers, tmp_path, script, words, expected):
    data = tmp_path / "data"
    data.mkdir()
    (data / "net.ckpt").touch()
    line = launchers.refuse(script, "depthnet", *words.format(data=data).split())
    assert expected.format(data=data) in line


@pytest.mark.parametrize(
    ("script", "words", "expected"),
    [
        ("run_standalone_train_ascend", "0", "midas needs CKPT_PATH"),
        ("run_standalone_train_ascend", "0 none.ckpt", "CKPT_PATH: none.ckpt is not a file"),
        ("run_distribute_train", "8", "midas needs CKPT_PATH"),
        ("run_train_gpu", "1 0", "midas needs CKPT_PATH"),
        ("run_eval", "0 Cityscapes x", "DATA_NAME: 'Cityscapes' is not one of Kitti, Sintel,"),
        ("run_eval", "0 Kitti {ckpt} TPU", "DEVICE_TARGET: 'TPU' is not one of auto, Ascend"),
        (
            "run_export",
            "coarse",
            "unexpected argument 'coarse'; flags of the",
        ),
    ],
)
def test_midas_arguments(launchers, tmp_path, script, words, expected):
    ckpt = tmp_path / "net.ckpt"
    ckpt.touch()
    assert expected in launchers.refuse(script, "midas", *words.format(ckpt=ckpt).split())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DEVICE_TARGET": "ascend"}, "DEVICE_TARGET: 'ascend' is not one of"),
        ({"BACKGROUND": "yes"}, "BACKGROUND=yes: write 1 or 0"),
        ({"DRY_RUN": "yes"}, "DRY_RUN=yes: write 1 or 0"),
        ({"BACKGROUND": "1", "FOREGROUND": "1"}, "BACKGROUND=1 and FOREGROUND=1 contradict"),
        ({"STOP_GRACE": "soon"}, "STOP_GRACE=soon: must be a number of seconds"),
        ({"LOG_DIR": "/proc/none"}, "set LOG_DIR to another folder"),
        ({"PYTHON": "/no/such/python"}, "no Python at '/no/such/python'"),
    ],
)
def test_environment_variables(launchers, data, variables, expected):
    line = launchers.refuse("run_standalone_train", "depthnet", data, 0, **variables)
    assert expected in line


@pytest.mark.parametrize("port", ["1023", "65536", "http"])
def test_master_port(launchers, data, port):
    line = launchers.refuse("run_distribute_train", "depthnet", data, 2, MASTER_PORT=port)
    assert f"MASTER_PORT={port}: must be 1024 to 65535" in line


@pytest.mark.parametrize("port", ["1024", "65535"])
def test_master_port_is_taken(launchers, data, port):
    jobs, _ = launchers.dry_run("run_distribute_train", "depthnet", data, 2, MASTER_PORT=port)
    assert f"--master_port={port}" in jobs["msrun"][1]


def test_missing_entry_point(launchers, data):
    (launchers.models / "depthnet" / "train.py").unlink()
    line = launchers.refuse("run_standalone_train", "depthnet", data, 0)
    assert "depthnet/train.py is missing" in line


def test_usage_of_the_model_follows_an_error(launchers):
    _, err = launchers.run("run_eval", "midas", status=2)
    usage = "bash scripts/run_eval.sh midas DEVICE_ID DATA_NAME [CKPT_PATH] [DEVICE_TARGET]"
    assert err.splitlines() == ["error: midas needs DEVICE_ID", f"usage: {usage}"]


def test_every_launcher_is_tested():
    called = 'launch.sh" launching '
    assert {path.stem for path in ALL_SCRIPTS if called in path.read_text()} == set(LAUNCHERS)


def test_shellcheck():
    files = [*ALL_SCRIPTS, SCRIPTS.parent / ".ci" / "run"]
    files = [str(path) for path in files if path.exists()]
    done = subprocess.run([beside_python("shellcheck"), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
