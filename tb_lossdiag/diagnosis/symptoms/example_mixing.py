"""Do the examples of a batch run into each other? Whether an output changes when its neighbours are left out."""

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "example_mixing"
TITLE = "Examples and their neighbours"
SOURCE = "without its neighbours an example has the same output, to the rounding of float32"


def check(run: Run) -> Check:
    known = run.card.settings.get("mixing") if run.card is not None else None
    if not isinstance(known, dict) or not isinstance(known.get("mixed"), bool):
        return Check(ID, TITLE, "not_run", needs=recorded("two passes over the examples of one batch", run))
    if not known["mixed"]:
        text = "In evaluation mode no example's output hangs on the others of its batch."
        return Check(ID, TITLE, "not_found", (Evidence(text, None, None, "", SOURCE),))
    layer = known.get("layer") if isinstance(known.get("layer"), str) else ""
    text = f"In evaluation mode an example's output hangs on the others of its batch, {_where(layer, known.get('at'))}."
    layers = (layer,) if layer else ()
    signs = (("layer", layer), ("behind", not layer))
    return Check(ID, TITLE, "found", (Evidence(text, None, None, "", SOURCE, layers),), 1, layers, signs=signs)


def _where(layer: str, at: object) -> str:
    if not layer:
        return "by what is done behind the last layer"
    return f"and so does what reaches {layer!r}" if at == "input" else f"from {layer!r} on"
