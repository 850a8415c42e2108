"""How does a hook stay out of a module's copies? Users copy models for averaging, and pickle them whole.

A copy must neither write into the original's log nor need this package to be read.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from tb_lossdiag.torch.private import is_transformed


class Hook:
    """A forward hook that becomes one that does nothing in copies and pickles, and inside torch.compile and torch.func.

    guarded: what an error of ours ends in.
    """

    def __init__(self, function: Callable[..., None], guarded: Callable[[], AbstractContextManager]) -> None:
        self.function = function
        self.guarded = guarded

    def __call__(self, *passed: Any) -> None:
        if torch.compiler.is_compiling() or is_transformed():
            return  # what is compiled is the training alone, as it would be without us
        with self.guarded():
            self.function(*passed)

    def __reduce__(self) -> tuple:
        return getattr, (nullcontext(), "__exit__")  # the standard library's way to take anything and do nothing
