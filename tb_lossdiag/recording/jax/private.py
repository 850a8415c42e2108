"""Which names of JAX that are not documented does the recording use? All of them stand here."""

from typing import Any

from tb_lossdiag.recording.private import Private

_LEVEL = Private(
    "jax", "jax.extend.core.get_opaque_trace_state", "0.5 to 0.10", "that of jax.core is taken, which older ones have"
)
_OLD_LEVEL = Private("jax", "jax.core.get_opaque_trace_state", "0.4.36 to 0.7", "nothing is recorded")


def trace_state() -> Any:
    """What is being traced right now, comparable only."""
    state_of = _LEVEL.imported(None) or _OLD_LEVEL.imported()
    return state_of(convention="flax")
