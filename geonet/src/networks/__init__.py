"""GeoNet's networks (paper, section 3): depth, camera poses, optical flow."""

from .models import NETWORKS, make_networks, needed_networks

__all__ = ["NETWORKS", "make_networks", "needed_networks"]
