"""Is there anything to train? Frozen layers, and models without a single trainable variable."""

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "trainable"
TITLE = "Trainable variables"
SOURCE = "the model's trainable flags"


def check(run: Run) -> Check:
    if run.card is None or not run.card.layers:
        return Check(ID, TITLE, "not_run", needs="the model card: add the LossDiagnostics callback")
    weighted = [layer for layer in run.card.layers if layer.parameters]
    frozen = tuple(layer.path for layer in weighted if not layer.trainable)
    share = 1 - run.card.trainable_parameters / run.card.parameters if run.card.parameters else 0.0
    nothing = run.card.trainable_parameters == 0 < run.card.parameters
    if not frozen and not nothing:
        usual = Evidence(f"All {len(weighted)} layers with weights are trainable.", source=SOURCE)
        return Check(ID, TITLE, "not_found", (usual,), signs=(("frozen_share", 0.0),))
    names = ", ".join(frozen[:3])
    text = (
        "No variable of the model is trainable."
        if nothing
        else f"{len(frozen)} of {len(weighted)} layers are frozen ({names}), {share:.0%} of the parameters."
    )
    return Check(
        ID,
        TITLE,
        "found",
        (Evidence(text, share, None, "share of parameters", SOURCE, frozen[:8]),),
        0,
        frozen[:8],
        signs=(("nothing", nothing), ("frozen_share", share)),
    )
