"""Do the examples of a batch run into each other? By what was done along their axis, as the recording saw it.

Outputs that add up to 1 over the batch, whatever the number of classes, show it in any framework.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.output_layer import asked_shape
from tb_lossdiag.diagnosis.reference import value_range
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "example_mixing"
TITLE = "Examples and their neighbours"
SOURCE = "an example's output hangs on that example alone"


# Outputs whose shares were made by a softmax add up to 1 within float32's rounding; the last batch may be a part.
ROUNDING, MOST_SAMPLES, FEWEST = 1e-4, 0.8, 3


def check(run: Run) -> Check:
    if _share_the_batch(run):
        text = f"The outputs add up to 1 over the {run.card.batch_size} examples of a batch, and not over the classes."
        evidence = Evidence(text, None, None, "", SOURCE)
        return Check(ID, TITLE, "found", (evidence,), 1, signs=(("layer", ""), ("behind", True), ("proved", True)))
    told = run.card.settings.get("mixing") if run.card is not None else None
    if not isinstance(told, (list, tuple)):
        return Check(ID, TITLE, "not_run", needs=recorded("what is done along the batch", run))
    known = [one for one in told if isinstance(one, dict) and one.get("operation") in ("view", "softmax")]
    if not known:
        text = "No softmax goes along the batch, and no layer has its input viewed with axes swapped."
        return Check(ID, TITLE, "not_found", (Evidence(text, None, None, "", SOURCE),))
    first = known[0]
    layer = first["layer"] if isinstance(first.get("layer"), str) else ""
    behind = first["operation"] == "softmax"
    where = repr(layer) if layer else "The loss"
    text = (
        "A softmax goes along the batch: the examples share out what each class has, and not each its classes."
        if behind
        else f"{where} is given numbers in their old order under a shape whose axes were swapped: they were viewed or "
        "reshaped, and each row holds parts of others."
    )
    layers = (layer,) if layer and not behind else ()
    evidence = Evidence(text, None, None, "", SOURCE, layers)
    return Check(
        ID, TITLE, "found", (evidence,), 1, layers, signs=(("layer", layer), ("behind", behind), ("proved", False))
    )


def _share_the_batch(run: Run) -> bool:
    """Whether outputs from 0 to 1 have a mean of one over the batch size, where their classes would make it another.

    Of [batch, classes] only: shares of places or steps add up over those, and there may be as many as examples.
    """
    table = run.data.of_kind("prediction") if run.data is not None else None
    batch = run.card.batch_size if run.card is not None else None
    shape = asked_shape(run.card) if run.card is not None else ()
    units = shape[1] if len(shape) == 2 and type(shape[1]) is int else None
    if table is None or not table.rows or not table.has("mean") or not batch or not units or units in (1, batch):
        return False
    low, high = value_range(run, "prediction")
    means = table.column("mean")[:, 0].astype(np.float64)
    means = means[np.isfinite(means)]
    alike = np.abs(means * batch - 1) < ROUNDING
    return bool(low >= 0 and high <= 1 and len(means) >= FEWEST and batch > 1 and alike.mean() >= MOST_SAMPLES)
