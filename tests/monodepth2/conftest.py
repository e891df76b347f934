"""Small rendered data sets that several tests of Monodepth2 read (none writes to them)."""

import pytest

from tests.synthetic.__main__ import main
from tests.warm import WarmProgram


def _render(tmp_path_factory, form, *flags):
    out = tmp_path_factory.mktemp(form)
    main([form, str(out), "--workers", "1", *map(str, flags)])
    return out


@pytest.fixture(scope="session")
def kitti(tmp_path_factory):
    """KITTI raw, jpg: two drives to train on, one to test on (2011_09_29_drive_0003_sync), 12
    frames each; splits/synthetic, laser scans, annotated depth of frames 5 and 6."""
    flags = "--drives 2 --test 1 --frames 12 --height 48 --laser 120 --images jpg --annotated 1"
    return _render(tmp_path_factory, "kitti_drives", *flags.split())


@pytest.fixture(scope="session")
def odometry(tmp_path_factory):
    """KITTI odometry, png: sequence 00 to train on, 09 to test on, 8 frames each; splits/odom."""
    flags = "--sequences 1 --test 1 --frames 8 --height 48"
    return _render(tmp_path_factory, "kitti_odom", *flags.split())


@pytest.fixture(scope="session")
def footage(tmp_path_factory):
    """One drive of 14 frames, 96x64: drive_0/, drive_0_right/ (25 cm), drive_0.mp4, truth/."""
    flags = "--videos 1 --frames 14 --height 64 --width 96"
    return _render(tmp_path_factory, "footage", *flags.split())


@pytest.fixture(scope="session")
def warm_monodepth2(program):
    """The model's folder, whose short runs are forks of a process that has imported MindSpore."""
    warm = WarmProgram(program("monodepth2").folder)
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def golden_folder(tmp_path_factory):
    """Metric weights with the goldens' values, resnet18 with poses, at their size 96x160."""
    # Here, not above: tests of the data need no MindSpore.
    from tests.monodepth2.predicted import golden_weights

    return golden_weights(tmp_path_factory.mktemp("golden") / "weights_0", 96, 160)
