"""What users call stands here; the packages hold what they share."""
