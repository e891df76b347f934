"""Inverse depth for images of any size, from a checkpoint or an exported graph."""

import cv2
import mindspore as ms
import numpy as np

from .model_utils.batches import Prepared, filled
from .model_utils.checkpoint import load_networks, must_exist
from .model_utils.context import without_values
from .model_utils.errors import InputError
from .model_utils.files import newest_file
from .model_utils.graph import load_graph
from .model_utils.graph_cache import with_graph_cache
from .model_utils.step import mixed_precision
from .networks import MidasNet
from .transforms import prepare_image


def weights_file(path):
    """A .ckpt or .mindir, or the newest checkpoint of a training's ckpt folder.

    Raises:
        InputError: there is none.
    """
    path = newest_file(path, "Midas_*.ckpt")
    if path.suffix != ".mindir":
        must_exist(path)
    return path


def _on_arrays(cell):
    return lambda images: cell(ms.Tensor(images)).numpy().astype(np.float32)


def load_predict(checkpoint, amp_level, device, eager=False, **options):
    """Function of (B, 3, h, w) float32 that returns (B, h, w) inverse depth.

    Args:
        checkpoint: .ckpt of a MidasNet.
        amp_level: O0, O2, O3 or auto.
        device: Device.
        eager: see `with_graph_cache`.
        options: of MidasNet.
    Raises:
        InputError: a checkpoint of another network.
    """
    with without_values():
        network = MidasNet(**options)
    load_networks({"midas": network}, checkpoint)
    network = mixed_precision(network, amp_level, device)[0]
    return _on_arrays(with_graph_cache(network, eager))


class Predictor(Prepared):
    """Images -> inverse depth maps of the images' sizes (see media.Predictor).

    Args:
        predict: function of (B, 3, h, w) float32 that returns (B, h, w).
        size_of: (width, height) of an image -> (width, height) at the network.
        mean, std: three numbers each, for image values in 0..1.
        batch_size: images of one shape that are predicted together.
    """

    def __init__(self, predict, size_of, *, mean, std, batch_size=1):
        self.network, self.size_of, self.mean, self.std = predict, size_of, mean, std
        self.batch_size = batch_size

    def prepare(self, image):
        """(H, W, 3) uint8 RGB -> (what the network sees, (H, W))."""
        height, width = image.shape[:2]
        seen = prepare_image(image, self.size_of((width, height)), self.mean, self.std)
        return seen, (height, width)

    def predict(self, prepared):
        """List of prepared images -> list of (H, W) float32; they may differ in size."""
        inputs, sizes = zip(*prepared)
        shapes = {array.shape for array in inputs}
        maps = [None] * len(inputs)
        for shape in shapes:
            places = [i for i, array in enumerate(inputs) if array.shape == shape]
            for start in range(0, len(places), self.batch_size):
                part = places[start : start + self.batch_size]
                arrays = filled(np.stack([inputs[i] for i in part]), self.batch_size)
                for place, values in zip(part, self.network(arrays)):
                    maps[place] = cv2.resize(values, sizes[place][::-1])
        return maps


def graph_predictor(path, batch_size):
    """Predictor of an exported .mindir; its sidecar says how it is fed.

    Args:
        path: the graph; <stem>.json lies beside it.
        batch_size: of a graph that takes any.
    Raises:
        InputError: a file is missing or broken, or a graph of another model.
    """
    graph, sidecar = load_graph(path)
    try:
        batch, _, height, width = (int(size) for size in sidecar["inputs"][0]["shape"])
        mean, std = ([float(v) for v in sidecar["image"][key]] for key in ("mean", "std"))
        if not _is_plausible(batch, height, width, mean, std):
            raise ValueError("numbers that no network has")
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: its .json is no sidecar of MiDaS; export it again") from None
    if sidecar.get("model") != "midas":
        raise InputError(f"{path}: a graph of {str(sidecar.get('model'))[:80]}, expected midas")
    batch = batch_size if batch == -1 else batch
    options = {"mean": mean, "std": std, "batch_size": batch}
    return Predictor(_on_graph(graph, path), lambda _size: (width, height), **options)


def _is_plausible(batch, height, width, mean, std):
    """Whether a sidecar's numbers can be a network's: a damaged one must not take gigabytes."""
    sizes = batch == -1 or batch > 0, height > 0, width > 0, abs(batch) * height * width <= 1 << 25
    colours = len(mean) == len(std) == 3 and np.isfinite(mean + std).all() and min(std) > 0
    return all(sizes) and colours


def _on_graph(graph, path):
    """`_on_arrays`; a graph that its sidecar does not fit is the user's to replace."""
    predict = _on_arrays(graph)

    def checked(images):
        try:
            return predict(images)
        except (RuntimeError, ValueError, TypeError) as err:
            size = "x".join(map(str, images.shape))
            hint = "it is damaged, or its .json does not fit; export it again"
            raise InputError(f"{path} does not take {size} images: {hint}") from err

    return checked
