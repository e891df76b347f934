"""Samples to learn from: strips of frames and their cameras."""

from .strips import AugmentedStrips, Strips, open_strips

__all__ = ["AugmentedStrips", "Strips", "open_strips"]
