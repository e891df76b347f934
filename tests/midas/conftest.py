"""Small synthetic datasets that several tests of MiDaS read (none writes to them)."""

import pytest

from tests.synthetic.__main__ import main


@pytest.fixture(scope="session")
def midas_data(tmp_path_factory):
    """Folder for --train_data_dir: eight ReDWeb pairs, three images of each evaluation dataset."""
    out = tmp_path_factory.mktemp("midas_data")
    size = ["--height", "60", "--width", "80", "--workers", "1"]
    main(["midas", str(out), "--train", "8", "--test", "3", *size])
    return out
