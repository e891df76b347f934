"""All sources of a sample in one batch, and both directions.

Conventions
    With B targets and S sources each, the source images of a batch are (S B, ...), in the order
    source * B + target. Both directions are (2 S B, ...): forward, from the targets to the
    sources, then backward, from the sources to the targets.
"""

from mindspore import ops

from ..sfm_utils import poses


def split_sources(sources):
    """(B, 3 S, H, W) -> (S B, 3, H, W)."""
    if sources.shape[1] == 3:
        return sources  # a split into one part would make an ONNX file that cannot be read
    return ops.concat(ops.split(sources, 3, 1))


def chosen(stack, source, width):
    """What belongs to one source.

    Args:
        stack: (B, S width, ...), the sources in the order of time.
        source: number of the source; None: all of them.
        width: entries of axis 1 that belong to a source.
    """
    if source is None:
        return stack
    return stack[:, source * width : (source + 1) * width]


def repeated(images, count):
    """Images of the targets, once for each source: (B, ...) -> (S B, ...)."""
    return ops.tile(images, (count,) + (1,) * (images.ndim - 1))


def motions(vectors, both_ways):
    """Poses of all sources: (B, S, 6) -> (S B, 4, 4) source_from_target.

    Args:
        vectors: tx ty tz rx ry rz.
        both_ways: then target_from_source, too: (2 S B, 4, 4).
    """
    vectors = vectors.permute(1, 0, 2).reshape(-1, 6)
    rotations = poses.rotation_from_euler(vectors[:, 3:])
    forward = poses.pose(rotations, vectors[:, :3])
    if not both_ways:
        return forward
    return ops.concat((forward, poses.inverse_pose(forward)))


def scaled_camera(K, inv_K, scale, count):
    """Intrinsics and their inverses for images of 1 / 2^scale of the size, `count` times each.

    As in the original focal lengths and centres are divided alike, without half a pixel.

    Args:
        K, inv_K: (B, 3, 3), pixels of scale 0.
        scale: whole number.
        count: how often the batch is repeated.
    Returns:
        two (count B, 3, 3).
    """
    factor = 0.5**scale
    shrink = ops.concat((K[:, :2] * factor, K[:, 2:]), 1)
    grow = ops.concat((inv_K[:, :, :2] / factor, inv_K[:, :, 2:]), 2)
    return repeated(shrink, count), repeated(grow, count)


def both_depths(maps, batch):
    """Maps of the targets and of all sources as both directions need them.

    Args:
        maps: ((S + 1) B, 1, h, w), targets first.
        batch: B.
    Returns:
        (2 S B, 1, h, w): those of the targets, once for each source, then those of the sources.
    """
    count = maps.shape[0] // batch - 1
    return ops.concat((repeated(maps[:batch], count), maps[batch:]))


def both_ways(targets, sources):
    """The images of both directions, which see, and those that they see.

    Args:
        targets: (B, 3, h, w).
        sources: (S B, 3, h, w).
    Returns:
        two (2 S B, 3, h, w).
    """
    ours = repeated(targets, sources.shape[0] // targets.shape[0])
    return ops.concat((ours, sources)), ops.concat((sources, ours))


def pair(images, part, half):
    """A part of what `both_ways` returns, as two slices of the images.

    Args:
        images: ((S + 1) B, ...), targets first.
        part: slice of both directions, within one B.
        half: S B.
    """
    batch, source = len(images) - half, in_half(part, half)
    first = source.start % batch
    target = slice(first, first + source.stop - source.start)
    ours, others = images[target], images[batch:][source]
    return (ours, others) if part.start < half else (others, ours)


def opposite(part, half):
    """The slice of the other direction that belongs to one of both directions."""
    shift = half if part.start < half else -half
    return slice(part.start + shift, part.stop + shift)


def in_half(part, half):
    """A slice of both directions, counted within its direction."""
    start = part.start % half
    return slice(start, start + part.stop - part.start)
