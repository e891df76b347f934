"""The names of a sample's arrays.

`color_<frame>_<scale>`   (3, H / 2^s, W / 2^s) uint8 RGB
`color_aug_<frame>`       (3, H, W) uint8 RGB, as the networks see it
`K`, `inv_K`              (3, 3), pixels of scale 0
`stereo_T`                (4, 4), from the left camera to the right one or the reverse
`depth_gt`                (1, 375, 1242), metres, 0 where there is none; to monitor a training
Frames are 0, m1 (frame -1), p1 (frame +1) ... and s (the other camera).
"""

STEREO = "s"


def frame_tag(frame):
    """The name of a frame: 0, -1, 1 or "s" -> "0", "m1", "p1", "s"."""
    if frame == STEREO or frame == 0:
        return str(frame)
    return f"p{frame}" if frame > 0 else f"m{-frame}"


def color(frame, scale):
    """The field of a frame's image at a scale."""
    return f"color_{frame_tag(frame)}_{scale}"


def color_aug(frame):
    """The field of a frame's image as the networks see it."""
    return f"color_aug_{frame_tag(frame)}"
