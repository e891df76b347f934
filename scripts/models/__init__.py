"""What the scripts know of each model: one module per model, which is all that a new model needs.

A module <model>.py holds MODEL, of scripts.launching.table.
"""

import importlib
import pkgutil

MODELS = {
    name: importlib.import_module(f"{__name__}.{name}").MODEL
    for _, name, _ in pkgutil.iter_modules(__path__)
}
