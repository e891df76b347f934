"""A test set through the 310 program: run_infer_310.sh."""
