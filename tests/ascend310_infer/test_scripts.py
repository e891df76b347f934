"""Finding, fetching and building: what is missing is said in one line, what is done is left."""

import os
import re
import shlex
import subprocess
import sys
import zipfile

import pytest

from scripts.serving.__main__ import remove_old_results
from tests.ascend310_infer.conftest import ENVIRONMENT, INFER, REPOSITORY, model

RUN_SCRIPT = REPOSITORY / "scripts" / "run_infer_310.sh"


def _bash(*words, status=0, cwd=None, **environment):
    environment = {**ENVIRONMENT, "PYTHON": sys.executable, **environment}
    done = subprocess.run(
        ["bash", *map(str, words)],
        cwd=cwd,
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def test_a_named_runtime_is_the_only_one_looked_at(runtime, tmp_path):
    for name in ("LITE_HOME", "MSLITE_HOME"):
        places = {name: tmp_path, "BUILD_DIR": tmp_path / "build"}
        _, err = _bash(INFER / "build.sh", status=2, **places)
        assert err == (
            f"no MindSpore Lite in LITE_HOME={tmp_path}: it should hold runtime/lib, or lib\n"
        )


def test_a_missing_package_names_what_to_install(tmp_path):
    # A root that is empty hides every header of the machine.
    options = ["-DCMAKE_FIND_ROOT_PATH=/nowhere", "-DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY"]
    _, err = _bash(INFER / "build.sh", *options, status=2, BUILD_DIR=tmp_path)
    assert err.startswith("packages are missing: apt-get install --no-install-recommends ")
    assert "libcli11-dev" in err and len(err.splitlines()) == 1


def test_missing_tools_are_named(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dirname", "nproc"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    bash = "/bin/bash"
    done = subprocess.run(
        [bash, str(INFER / "build.sh")], env={"PATH": str(tools)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == (
        "packages are missing: apt-get install --no-install-recommends cmake make g++\n"
    )


def test_only_what_changed_is_built(build):
    # A dry run of make, since other tests are using the program.
    target = "CMakeFiles/depth_core.dir"
    make = ["make", "-C", str(build), "-f", f"{target}/build.make", "--dry-run", f"{target}/build"]
    compiled = []
    for changed in ([], ["-W", str(INFER / "src" / "statistics.cc")]):
        out = subprocess.run([*make, *changed], capture_output=True, text=True, check=True).stdout
        compiled.append(re.findall(r"Building CXX object .*/(\w+)\.cc\.o", out))
    assert compiled == [[], ["statistics"]]


@pytest.fixture
def checkout(tmp_path):
    """A repository with nothing but install_lite.sh, and a pip that makes a tiny wheel."""
    scripts = tmp_path / "repository" / "scripts"
    scripts.mkdir(parents=True)
    script = scripts / "install_lite.sh"
    script.write_bytes((REPOSITORY / "scripts" / "install_lite.sh").read_bytes())
    wheel = tmp_path / "mindspore_lite-2.0.0-cp37-cp37m-manylinux1_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("mindspore_lite/lib/a.so", "library")
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/bash\n"
        f'echo "$*" >>"{tmp_path}/calls"\n'
        f'if [[ $2 == pip ]]; then for a; do [[ -d $a ]] && cp "{wheel}" "$a"; done; exit 0; fi\n'
        f'[[ -e "{tmp_path}/broken" ]] && exit 3\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return script, python


def test_install_lite_fetches_once(checkout, tmp_path):
    script, python = checkout
    for _ in range(2):
        _bash(script, "runtime", PYTHON=python)
    root = script.parents[1]
    assert (root / ".cache" / "mindspore_lite" / "lib" / "a.so").read_text() == "library"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 2 and "mindspore-lite==2.0.0" in calls[0]
    assert sorted(os.listdir(root / ".cache")) == ["install_lite.lock", "mindspore_lite"]


def test_install_lite_leaves_nothing_half_done(checkout, tmp_path):
    script, python = checkout
    (tmp_path / "broken").touch()
    _bash(script, "runtime", PYTHON=python, status=3)
    assert os.listdir(script.parents[1] / ".cache") == ["install_lite.lock"]
    (tmp_path / "broken").unlink()
    _bash(script, "runtime", PYTHON=python)


def test_install_lite_without_python_39(checkout, tmp_path):
    script, _ = checkout
    out, _ = _bash(script, "export", PATH="/usr/bin:/bin", HOME=tmp_path)
    if "no Python 3.9 here" not in out:  # Debian's own python3.9
        pytest.fail(out)
    assert not (script.parents[1] / ".venv-export").exists()


def test_install_lite_usage(checkout):
    script, python = checkout
    _, err = _bash(script, "everything", PYTHON=python, status=2)
    assert "Usage: bash scripts/install_lite.sh" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "unknown model ''; the models are depthnet, geonet, midas, monodepth2"),
        (
            ["yolo", "a", "b", "c"],
            "unknown model 'yolo'; the models are depthnet, geonet, midas, monodepth2",
        ),
        (["depthnet", "{tiny}", "{tiny}"], "depthnet needs DATA_PATH"),
        (["depthnet", "{tiny}", "{tiny}", ".", "0", "1"], "unexpected argument '1'; flags of the"),
        (["depthnet", "gone.mindir", "gone.mindir", "."], "gone.mindir"),
        (["depthnet", "{tiny}", "{tiny}", "gone"], "DATA_PATH"),
        (["depthnet", "{tiny}", "{tiny}", ".", "zero"], "DEVICE_ID"),
        (["midas", "{tiny}", ".", "NYU"], "DATASET_NAME"),
        (["midas", "{bare}", ".", "TUM"], "bare.json"),
    ],
)
def test_run_infer_310_refuses(tmp_path, arguments, words):
    (tmp_path / "bare.mindir").touch()
    places = {"tiny": model("tiny"), "bare": tmp_path / "bare.mindir"}
    arguments = [word.format(**places) for word in arguments]
    _, err = _bash(RUN_SCRIPT, *arguments, status=2, cwd=tmp_path)
    lines = err.splitlines()
    assert lines[0].startswith("error: ") and words in lines[0]
    usage = {
        "depthnet": "MINDIR1 MINDIR2 DATA_PATH [DEVICE_ID] [FLAG ...]",
        "geonet": "MINDIR DATA_PATH [DEVICE_ID] [FLAG ...]",
        "midas": "MODEL_PATH DATA_PATH DATASET_NAME [DEVICE_ID] [FLAG ...]",
        "monodepth2": "MINDIR DATA_PATH [DEVICE_ID] [FLAG ...]",
    }
    named = arguments[:1] if arguments and arguments[0] in usage else usage
    assert lines[1:] == [f"usage: bash scripts/run_infer_310.sh {n} {usage[n]}" for n in named]


def test_run_infer_310_refuses_other_devices(tmp_path):
    words = ["depthnet", model("tiny"), model("tiny"), "."]
    _, err = _bash(RUN_SCRIPT, *words, status=2, cwd=tmp_path, DEVICE_TARGET="GPU")
    assert err.splitlines()[0].startswith("error: DEVICE_TARGET: 'GPU' is not one of Ascend310,")


def test_run_infer_310_plans(tmp_path):
    """Each program's flags, the sidecar's size among them, without starting anything."""
    (tmp_path / "net.mindir").touch()
    (tmp_path / "net.json").write_text('{"image": {"resize": {"height": 384, "width": 672}}}')
    words = ["midas", "net.mindir", ".", "Kitti", "3", "--formats", "png", "--dry_run"]
    out, _ = _bash(RUN_SCRIPT, *words, cwd=tmp_path)
    lines = out.splitlines()
    assert lines[::2] == ["# build", "# preprocess", "# infer", "# postprocess"]
    planned = [shlex.split(line)[1:] for line in lines[1::2]]
    here, scored = str(tmp_path), ["--dataset_path", str(tmp_path), "--dataset_name", "Kitti"]
    scored += ["--img_height", "384", "--img_width", "672"]
    folder = str(REPOSITORY / "midas")
    assert planned[0] == [here, "&&", "bash", str(INFER / "build.sh")]
    python = [folder, "&&", sys.executable]
    bins = f"{here}/preprocess_Result"
    assert planned[1] == [*python, "preprocess.py", *scored, "--bin_path", bins]
    program = [here, "&&", str(INFER / "build" / "main"), "--mindir", f"{here}/net.mindir"]
    device = ["--device", "Ascend310", "--device_id", "3", "--formats", "png"]
    assert planned[2] == [*program, "--input", bins, *device]
    results = ["--result_path", f"{here}/result_Files"]
    results += ["--result_file", f"{here}/result_val.json"]
    assert planned[3] == [*python, "postprocess.py", *scored, *results]
    assert sorted(os.listdir(tmp_path)) == ["net.json", "net.mindir"]


def test_run_infer_310_knows_the_model_of_its_folder(tmp_path):
    words = [model("tiny"), model("tiny"), ".", "--dry_run"]
    out, _ = _bash(RUN_SCRIPT, *words, cwd=REPOSITORY / "depthnet")
    assert f"--fine_mindir {model('tiny')} --input {REPOSITORY}/depthnet/preprocess_Result/" in out


def test_results_of_an_earlier_run_go_and_nothing_else(tmp_path):
    old = ["result_Files/a/x_0.bin", "preprocess_Result/y.bin", "acc.log", "result_val.json"]
    old += ["result_Files/a/trajectory_1.txt", "result_Files/c.flo"]
    old += ["time_Result/test_perform_static.txt"]
    kept = ["result_Files/b/mine.txt", "notes.bin"]
    for name in old + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_old_results(tmp_path, ("acc.log", "result_val.json"))
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    folders = {"result_Files", "result_Files/b", "preprocess_Result", "time_Result"}
    assert files == {*kept, *folders}


def test_run_infer_310_shows_the_failed_stages_log(build, tmp_path):
    data = tmp_path / "empty"
    data.mkdir()
    words = ["depthnet", model("pair_coarse"), model("pair_fine"), data]
    _, err = _bash(RUN_SCRIPT, *words, status=2, cwd=tmp_path, DEVICE_TARGET="CPU")
    lines = err.splitlines()
    assert lines[-1] == f"error: preprocess ended with 2; see {tmp_path / 'preprocess.log'}"
    assert str(data) in lines[-2]
    assert not (tmp_path / "result_Files").exists() and not (tmp_path / "acc.log").exists()
