"""Where the golden numbers are: $GOLDEN_DIR/<model>, or the ones kept in this folder."""

import os
from pathlib import Path


def golden_dir(model):
    """Folder of one model's goldens; set GOLDEN_DIR to run others of the same format."""
    return Path(os.environ.get("GOLDEN_DIR", Path(__file__).parent / "golden")) / model
