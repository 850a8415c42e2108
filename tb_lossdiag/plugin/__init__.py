"""What does the Diagnostics tab get to see? TensorBoard's plugin: loader, routes, payloads, static assets.

TensorBoard imports this package at every start, so it imports next to nothing; `LossDiagLoader.load` gets the rest.
"""

from tb_lossdiag.plugin.loader import LossDiagLoader

__all__ = ["LossDiagLoader"]
