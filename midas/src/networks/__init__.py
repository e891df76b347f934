"""MidasNet: a ResNeXt encoder and a refinement decoder."""

from .midas_net import MidasNet

__all__ = ["MidasNet"]
