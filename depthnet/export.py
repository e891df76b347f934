"""Export DepthNet to MindIR: python export.py --coarse_or_fine coarse|fine|both"""

from src.exporting import export
from src.model_utils.config import run

if __name__ == "__main__":
    run(export, __doc__)
