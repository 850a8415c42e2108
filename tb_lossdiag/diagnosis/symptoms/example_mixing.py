"""Do the examples of a batch run into each other? By what was done along their axis, as the recording saw it."""

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "example_mixing"
TITLE = "Examples and their neighbours"
SOURCE = "an example's output hangs on that example alone"


def check(run: Run) -> Check:
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
    text = (
        "A softmax goes along the batch: the examples share out what each class has, and not each its classes."
        if behind
        else f"{layer!r} has the model's input with two axes swapped in shape and the numbers in their old order: it "
        "was viewed or reshaped, and each row holds parts of several examples."
    )
    layers = (layer,) if layer and not behind else ()
    evidence = Evidence(text, None, None, "", SOURCE, layers)
    return Check(ID, TITLE, "found", (evidence,), 1, layers, signs=(("layer", layer), ("behind", behind)))
