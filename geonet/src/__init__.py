"""GeoNet: network, losses, weights and data."""
