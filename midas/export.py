"""Export MiDaS: python export.py --model_weights Midas.ckpt --file_format MINDIR"""

from src.exporting import export
from src.model_utils.config import run

if __name__ == "__main__":
    run(export, __doc__)
