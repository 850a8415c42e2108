"""Is there anything to train? Frozen layers, untrained ones among them, and models without a trainable variable."""

from tb_lossdiag.diagnosis.fresh import is_fresh
from tb_lossdiag.diagnosis.layer_kinds import prepares_data
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "trainable"
TITLE = "Trainable variables"
SOURCE = "the model's trainable flags"


def check(run: Run) -> Check:
    if run.card is None or not run.card.layers:
        return Check(ID, TITLE, "not_run", needs=recorded("the model card", run))
    weighted = [layer for layer in run.card.layers if layer.parameters and not prepares_data(layer)]
    frozen = tuple(layer.path for layer in weighted if not layer.trainable)
    untrained = tuple(layer.path for layer in weighted if not layer.trainable and is_fresh(layer))
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
    if untrained and not nothing:
        text += f" {untrained[0]!r} holds what its initialiser drew: it was frozen before it had learned anything."
    return Check(
        ID,
        TITLE,
        "found",
        (Evidence(text, share, None, "share of parameters", SOURCE, frozen[:8]),),
        0,
        frozen[:8],
        signs=(("nothing", nothing), ("frozen_share", share), ("untrained", bool(untrained))),
    )
