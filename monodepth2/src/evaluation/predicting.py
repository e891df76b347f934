"""Networks over the images of a test set, in batches, the next one read meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import mindspore as ms
import numpy as np

from ..model_utils.batches import filled
from ..model_utils.media import show_progress
from ..sfm_utils.depth_evaluation import blend_flipped
from ..transforms import pyramid, read_image, to_planes


def read_planes(path, height, width):
    """An image as the networks see it, (3, height, width) uint8.

    Raises:
        InputError: missing or broken; the line names it.
    """
    return to_planes(pyramid(read_image(path), height, width, 1)[0])


def batches_of(paths, size, batch_size, workers):
    """Batches of images, (B, 3, h, w) uint8; the last one may be short.

    Args:
        paths: of the images.
        size: (height, width) at the network.
        batch_size: images of a batch.
        workers: threads.
    """
    parts = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(workers) as pool:
        waiting = None
        for part in [*parts, None]:
            following = part and [pool.submit(read_planes, path, *size) for path in part]
            if waiting:
                yield np.stack([image.result() for image in waiting])
            waiting = following


def to_tensor(planes, batch_size):
    """(b, 3, h, w) uint8, filled up to a batch -> RGB 0..1."""
    return ms.Tensor(np.float32(filled(planes, batch_size)) / 255)


def predict_disparities(cell, paths, *, size, batch_size, post_process, workers):
    """The disparity of each image.

    Args:
        cell: Cell of (B, 3, h, w), RGB 0..1 -> (B, 1, h, w) scaled disparity.
        paths: of the images.
        size: (height, width) at the network.
        batch_size: images per step.
        post_process: blend with the mirrored images' disparities.
        workers: threads that read images.
    Returns:
        (N, h, w) float32; float64 with post_process, as the original.
    """
    found, done = [], 0
    progress = show_progress("images")
    for planes in batches_of(paths, size, batch_size, workers):
        images = filled(planes, batch_size)
        if post_process:  # both in one pass
            images = np.concatenate([images, images[..., ::-1]])
        disparity = cell(to_tensor(images, batch_size)).numpy()[:, 0]
        if post_process:
            disparity = blend_flipped(disparity[:batch_size], disparity[batch_size:, :, ::-1])
        found.append(disparity[: len(planes)])
        done += len(planes)
        progress(done, len(paths))
    return np.concatenate(found)
