"""What did the recording itself say that it could not record? A reader of the report has to know."""

from collections.abc import Iterator, Mapping
from typing import Any

from tb_lossdiag.run import Run

LONGEST = 300  # characters of a reason: an exception may carry a whole array


def gaps(run: Run) -> Iterator[str]:
    """A sentence for each event that ended the recording, or its samples, or hid another training."""
    for event in run.events:
        if event.kind == "recording_stopped":
            yield f"The recording stopped at step {event.step}, what came later is not in the log: {_why(event.facts)}"
        elif event.kind == "not_sampled":
            yield f"From step {event.step} on only losses were recorded: {_why(event.facts)}"
        elif event.kind == "restart" and event.facts.get("beside"):
            yield (
                "Two processes recorded into this directory at the same time, and only the one that began later is "
                f"shown from step {event.step} on: give each training a directory of its own."
            )


def _why(facts: Mapping[str, Any]) -> str:
    return str(facts.get("reason", "no reason was recorded"))[:LONGEST]
