"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

ModelArts: data in, results out through moxing, which only exists there.
"""

from .config import InputError


def _moxing():
    try:
        import moxing
    except ImportError:
        raise InputError("is_modelarts needs moxing, which ModelArts has; unset it here") from None
    return moxing


def local_data(config, device):
    """Folder to read the data from: data_url, or on ModelArts a local copy of it.

    On ModelArts results go to a local folder first: train_url is changed to it.
    """
    if not config.is_modelarts:
        return config.data_url
    moxing = _moxing()
    target = f"{config.modelarts_data}/{device.rank}"
    moxing.file.copy_parallel(src_url=config.data_url, dst_url=target)
    config.publish_url, config.train_url = config.train_url, config.modelarts_output
    return target


def publish(config, device):
    """On ModelArts, copy the results of rank 0 to train_url."""
    if config.is_modelarts and device.is_main:
        _moxing().file.copy_parallel(src_url=config.train_url, dst_url=config.publish_url)
