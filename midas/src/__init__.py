"""MiDaS: network, losses, weights and data."""
