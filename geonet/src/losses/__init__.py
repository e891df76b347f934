"""GeoNet's losses (paper, sections 3.2 to 3.4)."""

from .flow import FlowLoss
from .rigid import RigidLoss

__all__ = ["FlowLoss", "RigidLoss"]
