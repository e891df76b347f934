"""Predict relative depth: python infer.py --input_path PICTURES --output_path RESULTS"""

from src.model_utils.config import run
from src.prediction import infer

if __name__ == "__main__":
    run(infer, __doc__)
