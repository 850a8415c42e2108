"""Have views that a loss only draws together become one point? By the least that a mean of cosines can be."""

import numpy as np

from tb_lossdiag.run import Run

# What people make of a mean cosine is at its least one of these where all cosines are 1.
LEAST = (-2.0, -1.0, 0.0)
# Of the way from unlike views to alike ones: two programs whose codes became one point ended within 0.3 % of it, and
# the same two with a detach 2 % and 8 % away (docs/first_contact.md, ninth round).
ARRIVED = 0.01
LAST = 0.1


def are_one_point(run: Run) -> str | None:
    """That a loss of nothing but cosines, with a gradient on both sides, is at its least."""
    loss = run.steps.get("loss")
    if run.card is None or run.card.settings.get("draws_together") is not True or loss is None or not len(loss):
        return None
    end = float(np.median(loss.values[-max(1, round(LAST * len(loss))) :]))
    first = float(loss.values[0])
    least = next((one for one in LEAST if abs(end - one) <= ARRIVED * max(abs(first - one), 1.0)), None)
    if least is None:
        return None
    return (
        f"The loss is made of cosines between outputs of the model alone, with a gradient on both sides, and ends at "
        f"{end:.4g}, where {least:g} is one point for all."
    )
