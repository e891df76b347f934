"""The command lines of the zoo's READMEs, as they stand there, in the model's folder here.

`bash x.sh` of the zoo's scripts/ is `bash ../scripts/x.sh`; a few scripts have another name, which
scripts/README.md says.
"""

import re
import runpy
import shlex
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.scripts.launchers import SCRIPTS

# The zoo's script: ours, with the words that go in front of the line's own.
RENAMED = {
    "run_distributed_train_ascend.sh": ("run_distribute_train.sh",),
    "run_export_coarse_model.sh": ("run_export.sh", "coarse"),
    "run_export_fine_model.sh": ("run_export.sh", "fine"),
    "run_train_GPU.sh": ("run_train_gpu.sh",),
}
HOME = "~/mindspore_dataset"
COARSE, FINE = "~/Model/Ckpt/FinalCoarseNet.ckpt", "~/Model/Ckpt/FinalFineNet.ckpt"
WSL = "./ckpt/midas_resnext_101_WSL.ckpt"
# Model, line of its README, what the program gets ({~}: the home folder, {here}: the model's).
LINES = [
    (
        "depthnet",
        f"bash run_standalone_train_ascend.sh {HOME}/NYU 0",
        "train.py --data_url {~}/mindspore_dataset/NYU --device_id 0 --device_target Ascend",
    ),
    ("depthnet", f"bash run_eval.sh {HOME}/NYU", "eval.py --test_data {~}/mindspore_dataset/NYU"),
    (
        "depthnet",
        f"bash run_eval.sh {HOME}/NYU {COARSE} {FINE}",
        "eval.py --test_data {~}/mindspore_dataset/NYU"
        " --coarse_ckpt_model {~}/Model/Ckpt/FinalCoarseNet.ckpt"
        " --fine_ckpt_model {~}/Model/Ckpt/FinalFineNet.ckpt",
    ),
    ("depthnet", "bash run_export_coarse_model.sh", "export.py --coarse_or_fine coarse"),
    ("depthnet", "bash run_export_fine_model.sh", "export.py --coarse_or_fine fine"),
    (
        "depthnet",
        f"bash run_distributed_train_ascend.sh {HOME}/NYU ~/rank_table_8pcs.json",
        "train.py --data_url {~}/mindspore_dataset/NYU --run_distribute True"
        " --device_target Ascend",
    ),
    (
        "midas",
        f"bash run_distribute_train.sh 8 {WSL}",
        "train.py --is_modelarts False --model_weights {here}/ckpt/midas_resnext_101_WSL.ckpt"
        " --run_distribute True",
    ),
    (
        "midas",
        f"bash run_standalone_train.sh 3 {WSL}",
        "train.py --is_modelarts False --device_id 3"
        " --model_weights {here}/ckpt/midas_resnext_101_WSL.ckpt",
    ),
    (
        "midas",
        f"bash run_eval.sh 0 Kitti {WSL}",
        "eval.py --device_id 0 --data_name Kitti"
        " --ckpt_path {here}/ckpt/midas_resnext_101_WSL.ckpt",
    ),
    ("midas", "bash run_eval.sh 0 all", "eval.py --device_id 0 --data_name all"),
    (
        "midas",
        f"bash run_eval.sh 0 all {WSL} GPU",
        "eval.py --device_id 0 --data_name all"
        " --ckpt_path {here}/ckpt/midas_resnext_101_WSL.ckpt --device_target GPU",
    ),
    (
        "midas",
        f"bash run_train_GPU.sh 8 0,1,2,3,4,5,6,7 {WSL}",
        "train.py --is_modelarts False --model_weights {here}/ckpt/midas_resnext_101_WSL.ckpt"
        " --run_distribute True --device_target GPU",
    ),
    (
        "midas",
        f"bash run_train_GPU.sh 1 0 {WSL}",
        "train.py --is_modelarts False --model_weights {here}/ckpt/midas_resnext_101_WSL.ckpt"
        " --run_distribute False --device_id 0 --device_target GPU",
    ),
    (
        "geonet",
        "bash train_performance_1p.sh --data_path=~ --output_path=~/output",
        "train.py --mode train_rigid --learning_rate 0.00001 --seq_length 3 --batch_size 4"
        " --dataset_dir {~}/stageone/train --max_steps 3200 --log_steps 100 --device_id 0"
        " --train_url {~}/output/ckpt",
    ),
    (
        "geonet",
        "bash train_full_1p.sh --data_path=~ --output_path=~/output",
        "eval.py --mode eval_pose --pred_dir {~}/output/pose_depth/185100"
        " --gtruth_dir {~}/stageone/eval/09_snippets",
    ),
]


@pytest.fixture
def home(launchers, data, tmp_path, rank_table):
    """A home folder with everything that the lines name."""
    home = tmp_path / "home"
    (home / "mindspore_dataset" / "NYU").mkdir(parents=True)
    (home / "Model" / "Ckpt").mkdir(parents=True)
    for name in ("train", "test", "eval/09_snippets"):
        (home / "stageone" / name).mkdir(parents=True)
    (launchers.models / "midas" / "ckpt").mkdir()
    (home / "rank_table_8pcs.json").write_bytes(rank_table(1).read_bytes())
    weights = launchers.models / "midas" / WSL
    for path in (home / COARSE[2:], home / FINE[2:], weights):
        path.touch()
    return home


@pytest.mark.parametrize(("model", "line", "expected"), LINES, ids=[line for _, line, _ in LINES])
def test_a_line_of_the_zoo_runs_in_the_model_s_folder(launchers, home, model, line, expected):
    bash, script, *words = line.split()
    assert bash == "bash"
    script, *first = RENAMED.get(script, (script,))
    here = launchers.models / model
    # As a shell does it, which also replaces ~.
    shell = shlex.join([f"{SCRIPTS}/{script}", *first]) + " " + " ".join(words) + " --dry_run"
    done = subprocess.run(
        ["bash", "-c", f"exec bash {shell}"],
        cwd=here,
        env=launchers.environment(HOME=home, SERVER_ID="10.0.100.100"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    planned = shlex.split(done.stdout.splitlines()[-1])
    entry = next(n for n, word in enumerate(planned) if word.endswith(".py"))
    got = [planned[entry].rpartition("/")[2], *planned[entry + 1 : -3]]
    assert got == expected.replace("{~}", str(home)).replace("{here}", str(here)).split()


def test_the_line_of_the_310(launchers, tmp_path):
    """The zoo's README runs it in scripts/; here it is the model's folder."""
    here = launchers.models / "depthnet"
    (here / "Model" / "MindIR").mkdir(parents=True)
    for name in ("Coarse", "Fine"):
        (here / "Model" / "MindIR" / f"Final{name}Net.mindir").touch()
    (here / "NYU" / "Test").mkdir(parents=True)
    line = "run_infer_310 Model/MindIR/FinalCoarseNet.mindir Model/MindIR/FinalFineNet.mindir"
    script, *words = f"{line} NYU/Test/ 0".split()
    out, _ = launchers.run(script, *words, "--dry_run", cwd=here)
    program = shlex.split(out.splitlines()[5])
    graphs = [f"{here}/Model/MindIR/Final{name}Net.mindir" for name in ("Coarse", "Fine")]
    expected = ["--mindir", graphs[0], "--fine_mindir", graphs[1], "--input"]
    expected += [f"{here}/preprocess_Result/img_data", "--device", "Ascend310", "--device_id", "0"]
    assert program[4:] == expected


def test_the_readme_says_which_scripts_have_another_name():
    text = (SCRIPTS / "README.md").read_text()
    for theirs, ours in RENAMED.items():
        assert re.search(rf"`{theirs}`.*`{' '.join(ours)}", text), theirs


@pytest.mark.parametrize("inside", ["", "src"])
def test_a_model_s_folder_and_what_is_in_it_name_the_model(launchers, data, inside):
    folder = launchers.models / "depthnet" / inside
    folder.mkdir(exist_ok=True)
    jobs, _ = launchers.dry_run("run_standalone_train", data, 0, cwd=folder)
    assert jobs["train"][1][1:] == ["train.py", "--data_url", str(data), "--device_id", "0"]


def test_a_first_word_that_names_a_model_wins(launchers, data):
    here = {"cwd": launchers.models / "midas"}
    jobs, _ = launchers.dry_run("run_standalone_train", "depthnet", data, 0, **here)
    assert "--data_url" in jobs["train"][1]
    jobs, _ = launchers.dry_run("run_export", **here)
    assert jobs["export"][1][1:] == ["export.py"]
    _, err = launchers.run("run_eval", **here, status=2)
    assert err.splitlines()[0] == "error: midas needs DEVICE_ID"
    assert "usage: bash scripts/run_eval.sh midas DEVICE_ID DATA_NAME [CKPT_PATH]" in err


def test_elsewhere_a_model_must_be_named(launchers, data):
    for place in (launchers.models, data):
        line = launchers.refuse("run_standalone_train", data, 0, cwd=place)
        assert "unknown model" in line


def test_a_package_named_scripts_in_the_caller_s_folder_is_not_taken(launchers, data):
    (data / "scripts").mkdir()
    for name in ("scripts/__init__.py", "json.py"):
        (data / name).write_text("raise SystemExit('the wrong module')\n")
    jobs, _ = launchers.dry_run("run_standalone_train", "depthnet", ".", 0, cwd=data)
    assert str(data) in jobs["train"][1]


# The zoo's path: the program that does its job here.
SHIMS = {
    "midas_train.py": "train.py",
    "midas_eval.py": "eval.py",
    "midas_eval_onnx.py": "eval.py",
    "midas_export.py": "export.py",
    "midas_run.py": "infer.py",
    "preprocess/associate.py": "prepare/associate.py",
    "preprocess/deal.py": "prepare/deal.py",
}


@pytest.mark.parametrize(("shim", "program"), SHIMS.items())
def test_a_path_of_the_zoo_hands_over(monkeypatch, shim, program):
    called = []
    with monkeypatch.context() as patch:
        patch.setattr(runpy, "run_path", lambda path, run_name: called.append((path, run_name)))
        exec((REPOSITORY / "midas" / shim).read_text(), {"__file__": REPOSITORY / "midas" / shim})
    assert called == [(str(REPOSITORY / "midas" / program), "__main__")]
    assert not (REPOSITORY / "midas" / shim).with_name("__init__.py").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["midas_export.py", "--help"], "Export MiDaS"),
        (["preprocess/deal.py", "--help"], "--image_path"),
        (["src/utils/pth2ckpt.py"], "usage: python src/utils/pth2ckpt.py FILE.pth"),
    ],
)
def test_the_zoo_s_own_paths_run(words, expected):
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=REPOSITORY / "midas", capture_output=True, text=True)
    assert expected in done.stdout + done.stderr
    assert done.returncode == (0 if "--help" in words else 2)


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("depthnet", "python train.py --data_url NYU --device_id 0"),
        ("depthnet", "python eval.py --test_data NYU --coarse_ckpt_model C --fine_ckpt_model F"),
        ("depthnet", "python export.py --coarse_or_fine coarse"),
        ("depthnet", "python export.py --coarse_or_fine fine"),
        ("midas", "python midas_export.py"),
        (
            "midas",
            "python midas_train.py --device_target GPU --run_distribute False --device_id 0"
            " --model_weights W",
        ),
        (
            "midas",
            "python midas_eval.py --device_id=0 --data_name=all --ckpt_path=W --device_target=GPU",
        ),
    ],
)
def test_a_python_line_of_the_zoo_names_options_that_are_read(model, line):
    """Parsed as the program itself does it."""
    script, *words = line.split()[1:]
    text = (
        "import sys; from src.model_utils.program import programs; "
        "from src.model_utils.config import load_config; "
        "program, *flags = sys.argv[1:]; "
        "load_config('config.yaml', flags, programs('.')[program], program)"
    )
    command = [sys.executable, "-c", text, SHIMS.get(script, script), *words]
    done = subprocess.run(command, cwd=REPOSITORY / model, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (REPOSITORY / model / script).is_file()
