"""What is exported with the network: the sidecar, and the input that the graph is checked with."""

import numpy as np
import pytest

from midas.src.exporting import random_image, sidecar


def test_the_input_is_as_a_prepared_image_and_always_the_same():
    image = random_image(64, 96)
    assert image.shape == (1, 3, 64, 96) and image.dtype == np.float32
    assert image.mean() == pytest.approx(0, abs=0.05) and image.std() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(image, random_image(64, 96))


def test_the_sidecar_tells_how_to_feed_a_graph_and_what_comes_out():
    """As ascend310_infer reads it; every word and number of it has a meaning there."""
    found = sidecar(64, 96, (0.5, 0.4, 0.3), (0.25, 0.2, 0.1))
    assert (found["format"], found["model"], found["graph"]) == (1, "midas", "midas")
    (image,) = found["inputs"]
    assert image == {
        "name": "image",
        "dtype": "float32",
        "shape": [1, 3, 64, 96],
        "layout": "NCHW",
        "source": "image",
    }
    how = found["image"]
    assert how["color_order"] == "RGB" and how["crop"] is None
    assert 255 * how["scale"] == pytest.approx(1)
    assert (how["mean"], how["std"]) == ([0.5, 0.4, 0.3], [0.25, 0.2, 0.1])
    size = {"height": 64, "width": 96, "interpolation": "bicubic", "method": "exact"}
    assert how["resize"] == {**size, "keep_aspect_ratio": False, "multiple_of": 1}
    assert found["outputs"] == [
        {
            "name": "inverse_depth",
            "shape": [1, 64, 96],
            "dtype": "float32",
            "meaning": "inverse_depth",
        }
    ]
