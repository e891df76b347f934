"""Training pairs, and the six sets of the zero-shot evaluation."""
