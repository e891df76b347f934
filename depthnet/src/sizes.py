"""Sizes and limits; apart, so that the 310 path runs where there is no MindSpore."""

IMAGE_SIZE = (228, 304)  # pixels, height and width that the dense layer fixes
DEPTH_SIZE = (55, 74)
MIN_DEPTH, MAX_DEPTH = 0.1, 10.0  # metres; targets and scored predictions are clipped to them
