"""How is a private name taken away? As a version that never had it would: only from us, the framework keeps its own."""

from contextlib import contextmanager
from importlib import import_module

from tb_lossdiag.recording import private

SHARED = "tb_lossdiag.recording.keras_private"
FILES = {
    "tensorflow": (SHARED, "tb_lossdiag.recording.tensorflow_private"),
    "jax": (SHARED, "tb_lossdiag.recording.jax.private"),
    "torch": (SHARED,),
}


def names(*files):
    """The private names that these files use."""
    found = [value for file in files for value in vars(import_module(file)).values()]
    flat = [x for value in found for x in (value if isinstance(value, tuple) else (value,))]
    return [value for value in flat if isinstance(value, private.Private)]


@contextmanager
def without(gone):
    """Nobody finds these names in the block."""
    of, imported = private.Private.of, private.Private.imported
    private.Private.of = lambda self, owner, *given: of(self, _Nothing() if self in gone else owner, *given)
    private.Private.imported = lambda self, *given: (
        of(self, _Nothing(), *given) if self in gone else imported(self, *given)
    )
    try:
        yield
    finally:
        private.Private.of, private.Private.imported = of, imported


class _Nothing:
    __slots__ = ()
