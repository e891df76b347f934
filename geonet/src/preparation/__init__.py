"""Preparation of data: strips of images to train on and to test flow, snippets of true poses."""
