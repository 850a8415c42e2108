"""Does the optimizer have the weights that the model computes with? Weights that nobody tracks, or of another model.

A variable kept where the framework does not look, such as a module in a plain list, is read in every forward pass and
never trained. An optimizer made before the model was built anew trains what nobody uses.
"""

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run, finite

ID = "optimizer_coverage"
TITLE = "Weights the optimizer has"
# Elements are counted, so less than one in a thousand is no layer.
ALL = 0.999
SHOWN = 3
SOURCE = "the optimizer's own list of what it trains"


def check(run: Run) -> Check:
    settings = run.card.settings if run.card is not None else {}
    untracked, share = _untracked(settings.get("untracked")), finite(settings.get("optimizer_share"))
    foreign = finite(settings.get("optimizer_foreign")) or 0.0
    passes = next((event.facts.get("passes") for event in run.events if event.kind == "no_step"), None)
    if passes is not None and run.last_step == 0:  # else they were added up for one step, or looked at behind the last
        text = f"{finite(passes) or 0:.0f} backward passes in a row were followed by no step of the optimizer."
        evidence = Evidence(text, finite(passes), 0.0, "backward passes without a step", SOURCE)
        return Check(ID, TITLE, "found", (evidence,), run.last_step, signs=(("level", "no_step"),))
    if not untracked and share is None:
        return Check(ID, TITLE, "not_run", needs=recorded("what the optimizer was given", run))
    known = share is not None
    level = "untracked" if untracked else "other_model" if known and share < ALL and foreign > 0 else "all"
    level = "part" if level == "all" and known and share < ALL else level
    names = tuple(name for name, _ in untracked)[:8]
    of = ", ".join(f"{name!r}{shape}" for name, shape in untracked[:SHOWN])
    text = {
        "untracked": f"The forward pass reads {len(untracked)} weights that no optimizer has: {of}.",
        "other_model": f"The optimizer has {share or 0:.0%} of the model's trainable weights, and {foreign:,.0f} "
        "numbers that are not the model's.",
        "part": f"The optimizer has {share or 0:.0%} of the model's trainable weights.",
        "all": "The optimizer has all trainable weights of the model.",
    }[level]
    found = level != "all"
    measured = (share, 1.0, "share of the trainable weights") if known else (float(len(untracked)), 0.0, "weights")
    evidence = Evidence(text, *measured, SOURCE, names)
    signs = (("level", level), ("share", share), ("foreign", foreign))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), 0 if found else None, names, signs=signs)


def _untracked(told: object) -> list[tuple[str, str]]:
    """Name and shape, as text, of each weight that the card tells of."""
    known = (
        [one for one in told if isinstance(one, dict) and one.get("name")] if isinstance(told, (list, tuple)) else []
    )
    return [(str(one["name"])[:80], _of_shape(one.get("shape"))) for one in known]


def _of_shape(shape: object) -> str:
    known = isinstance(shape, (list, tuple)) and all(type(size) is int for size in shape) and len(shape) > 0
    return f" of {' x '.join(map(str, shape))}" if known else ""
