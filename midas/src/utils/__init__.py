"""The original's command for converting weights."""
