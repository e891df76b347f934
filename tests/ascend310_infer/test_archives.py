"""The official archives of MindSpore Lite: the right one builds and runs, the others are named.

They cannot be fetched here. The trees are made from the libraries of the wheel, which holds the
same build (cloud_fusion): each lies where the archive has it. The wheel's own names stay beside the
archive's, since its libraries ask for those.
"""

import os
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from tests.ascend310_infer import reference, tiny
from tests.ascend310_infer.conftest import ENVIRONMENT, INFER, Infer, model, photo

PLUGIN = "runtime/lib/libruntime_convert_plugin.so"
CONVERTER = "tools/converter/lib/libmindspore_converter.so"
DNNL = "runtime/third_party/dnnl/libdnnl.so.2"
PLACES = {
    "libmindspore-extendrt_python.so": "runtime/lib/libmindspore-lite.so",
    "libruntime_convert_plugin_python.so": PLUGIN,
    "libmsplugin-ge-litert_python.so": "runtime/lib/libmsplugin-ge-litert.so",
    "libascend_kernel_plugin_python.so": "runtime/lib/libascend_kernel_plugin.so",
    "libmindspore_core.so": "runtime/lib/libmindspore_core.so",
    "libmindspore_glog.so.0": "runtime/lib/libmindspore_glog.so.0",
    "libdnnl.so.2": DNNL,
    "libmindspore_converter.so": CONVERTER,
    "libmslite_converter_plugin.so": "tools/converter/lib/libmslite_converter_plugin.so",
    "libopencv_core.so.4.5": "tools/converter/lib/libopencv_core.so.4.5",
    "libopencv_imgcodecs.so.4.5": "tools/converter/lib/libopencv_imgcodecs.so.4.5",
    "libopencv_imgproc.so.4.5": "tools/converter/lib/libopencv_imgproc.so.4.5",
}
CLOUD_SIDE = "the archive for cloud-side inference (its link contains cloud_fusion)"


@pytest.fixture
def cloud(runtime, tmp_path):
    """An unpacked archive for cloud-side inference, of links into the wheel."""
    home = tmp_path / "mindspore-lite-2.0.0-linux-x64"
    for name, place in PLACES.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        for path in {home / place, (home / place).with_name(name)}:
            path.symlink_to(runtime / "lib" / name)
    (home / "runtime" / "include").symlink_to(runtime / "include")
    return home


def _configure(home, build):
    """Configure a build with this runtime; returns what CMake reports."""
    command = ["cmake", "-S", INFER, "-B", build, f"-DLITE_HOME={home}"]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _refusal(home, folder):
    """The one line with which build.sh refuses a runtime."""
    environment = {**ENVIRONMENT, "LITE_HOME": str(home), "BUILD_DIR": str(folder / "build")}
    command = ["bash", str(INFER / "build.sh")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1
    return done.stderr.rstrip("\n")


def _make_files(folder):
    """Replace links by the files themselves: the runtime asks where it really lies."""
    for path in folder.iterdir():
        file = path.resolve()
        path.unlink()
        try:
            os.link(file, path)
        except OSError:  # another file system
            shutil.copy(file, path)


def test_an_archive_too_old(cloud, tmp_path):
    old = cloud.rename(cloud.with_name("mindspore-lite-1.9.0-linux-x64"))
    error = _refusal(old, tmp_path)
    assert error.startswith("MindSpore Lite 1.9.0 in ") and "is too old: 2.0.0" in error


@pytest.mark.parametrize(
    ("lacks", "kind"),
    [
        ([PLUGIN], '"Ascend inference"'),
        ([PLUGIN, "runtime/lib/libascend_kernel_plugin.so"], "for device-side inference"),
    ],
)
def test_another_archive_of_the_same_name(cloud, tmp_path, lacks, kind):
    for place in lacks:
        (cloud / place).unlink()
    assert _refusal(cloud, tmp_path) == (
        f"{cloud} lacks {PLUGIN}: it is the archive {kind}, which has the same file name; take "
        f"{CLOUD_SIDE}"
    )


@pytest.mark.parametrize("elsewhere", ["tools/converter", "runtime/lib"])
def test_the_converter_library_where_no_archive_has_it(cloud, tmp_path, elsewhere):
    (cloud / CONVERTER).rename(cloud / elsewhere / "libmindspore_converter.so")
    assert _refusal(cloud, tmp_path) == (
        f"{cloud} lacks {CONVERTER}, which the runtime needs: unpack all of {CLOUD_SIDE} again"
    )


def test_an_archive_without_headers(cloud, tmp_path):
    (cloud / "runtime" / "include").unlink()
    error = _refusal(cloud, tmp_path)
    assert error.startswith(f"{cloud}/runtime lacks include/api/model.h") and "again" in error


@pytest.fixture
def program(build, cloud, tmp_path):
    """The program with a module that is linked with the archive; only that module is compiled."""
    folder = tmp_path / "build"
    _make_files(cloud / "runtime" / "lib")
    out = _configure(cloud, folder)
    assert f"MindSpore Lite 2.0.0: {cloud}/runtime/lib/libmindspore-lite.so" in out
    shutil.copy(build / "libdepth_core.a", folder)
    shutil.copy(build / "main", folder)
    target = "CMakeFiles/depth_infer_lite.dir"
    make = ["make", "-C", str(folder), "-f", f"{target}/build.make", f"{target}/build"]
    done = subprocess.run(make, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "main"


@pytest.mark.slow
def test_a_network_runs_on_the_archives_libraries(cloud, program, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), photo(0))
    flags = ["--mindir", model("tiny"), "--input", "a.png"]
    opened = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "opened")}
    infer = Infer(program, tmp_path, opened)
    infer(*flags)
    image = reference.prepare(cv2.imread(str(tmp_path / "a.png")), tiny.sidecars()["tiny"]["image"])
    expected = tiny.forward("tiny", image[None])[0]
    np.testing.assert_allclose(infer.result("a_0.bin", expected.shape), expected, rtol=0, atol=2e-5)
    log = "".join(path.read_text() for path in tmp_path.glob("opened.*"))
    runtime = ("mindspore-extendrt_python", "msplugin-ge-litert", "runtime_convert_plugin_python")
    places = [CONVERTER, DNNL, *(f"runtime/lib/lib{name}.so" for name in runtime)]
    assert [place for place in places if f"calling init: {cloud / place}\n" not in log] == []

    # Nothing but the run path finds the library: without it there, the runtime does not load.
    (cloud / CONVERTER).rename(cloud / "tools" / "libmindspore_converter.so")
    line = Infer(program, tmp_path).refuse(*flags)
    assert "MindSpore Lite cannot be loaded (libmindspore_converter.so: cannot open" in line
