"""Folders of tests are called jax and torch: where such a framework is not installed, Keras takes the folder for it."""

import importlib.util
import sys

for name in ("jax", "torch"):
    found = importlib.util.find_spec(name) if name not in sys.modules else None
    if found is not None and found.origin is None:
        sys.modules[name] = None  # no module of that name is found
