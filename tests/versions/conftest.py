"""Folders of tests are called jax and torch: where such a framework is not installed, Keras takes the folder for it."""

import importlib.util
import sys


class NotInstalled:
    """Finds that this name is nowhere."""

    def __init__(self, name):
        self.name = name

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


for name in ("jax", "torch"):
    found = None if name in sys.modules else importlib.util.find_spec(name)
    if found is not None and found.origin is None:
        sys.meta_path.insert(0, NotInstalled(name))
