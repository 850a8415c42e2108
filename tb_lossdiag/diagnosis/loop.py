"""What does the training loop do around its steps? Who sets the learning rate, and when gradients are applied.

Each question takes a Run and answers with a sentence that can stand as evidence, or None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tb_lossdiag.diagnosis import schedules
from tb_lossdiag.diagnosis.players import plays_against_itself
from tb_lossdiag.diagnosis.settings import learning_rate
from tb_lossdiag.run import Run

# Arguments that a reader knows a scheduler by; what frameworks add by themselves says nothing.
SHOWN = 5
LONGEST = 80  # characters of a name
QUIET = {"verbose", "mode", "last_epoch", "base_lrs", "eps", "cooldown"}


@dataclass(frozen=True)
class Setter:
    """A callback or scheduler that sets the learning rate."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> str:
        """ReduceLROnPlateau(factor=0.2, patience=2)."""
        known = {name: value for name, value in self.config.items() if name not in QUIET and _is_plain(value)}
        parts = [f"{str(name)[:40]}={_short(value)}" for name, value in list(known.items())[:SHOWN]]
        return f"{self.name}({', '.join(parts)})"


def setter(run: Run) -> Setter | None:
    known = schedules.rate_setter(run)
    return Setter(known[0][:LONGEST], known[1]) if known is not None else None


def rate_setter(run: Run) -> str | None:
    known = setter(run)
    return f"{known.written} sets the learning rate." if known is not None else None


def rate_is_above_zero(run: Run) -> str | None:
    rate = learning_rate(run)
    return f"The learning rate is {rate:g}." if rate else None


def accumulates_gradients(run: Run) -> str | None:
    config = run.card.optimizer.get("config") if run.card is not None else None
    several = config.get("gradient_accumulation_steps") if isinstance(config, Mapping) else None
    return "The optimizer adds up the gradients of several steps." if several else None


def hides_its_loss(run: Run) -> str | None:
    """A loss that could not be asked again, of a training that is no game of several players."""
    reason = run.card.settings.get("not_measured") if run.card is not None else None
    if not isinstance(reason, str) or not reason or plays_against_itself(run):
        return None
    return "What the outputs are worth was not measured, so nothing but the curve shows that nothing was learned."


def ends_linear(run: Run) -> str | None:
    """Embeddings come out of a layer without a squashing activation, several numbers of them."""
    layers = [layer for layer in (run.card.layers if run.card is not None else ()) if layer.units]
    last = layers[-1] if layers else None
    if last is None or last.units < 2 or last.activation not in (None, "linear"):
        return None
    return f"The model ends in {last.path!r}, {last.units} numbers without an activation."


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and value != ""


def _short(value: str | int | float) -> str:
    return repr(value)[:40] if isinstance(value, str) else f"{value:g}" if abs(value) < 1e15 else "..."
