"""These tests call cells and functions one by one, whatever mode another test has left."""

import mindspore as ms
import pytest


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)
