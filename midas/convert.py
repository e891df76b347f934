"""Bring published weights: python convert.py --source_path FILE --target_path OUT.ckpt"""

from src.model_utils.config import run
from src.weights import convert

if __name__ == "__main__":
    run(convert, __doc__)
