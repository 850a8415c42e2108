"""How many updates did the training get, and from how many examples each?"""

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "update_count"
TITLE = "Number of updates"
# Unmeasured: at the usual update of 1e-3 of a weight, a hundred updates move it by a tenth at most.
FEW = 100
# A plan counts as carried out when this much of it was; the last batch of an epoch is sometimes dropped.
PLANNED = 0.98
# One or two updates a pass over the data, and not because there is hardly any data.
FULL_BATCH_STEPS = 2
FULL_BATCH_SIZE = 32
# The gradient of one or two examples is mostly noise, and they leave nothing to normalise over.
SINGLE = 2
SOURCE = "usual trainings take thousands of updates from batches of 8 … 1024"


def check(run: Run) -> Check:
    if run.card is None or run.step_unit != "step" or run.card.batch_size is None:
        return Check(ID, TITLE, "not_run", needs=recorded("the batch size and steps", run))
    updates, size, per_epoch, epochs = run.last_step, run.card.batch_size, run.card.steps_per_epoch, run.card.epochs
    if updates < 1:
        return Check(ID, TITLE, "not_run", needs="a recorded step")
    planned = per_epoch * epochs if (per_epoch or 0) > 0 and (epochs or 0) > 0 else None
    ended = planned is not None and updates >= PLANNED * planned
    if planned and per_epoch <= FULL_BATCH_STEPS and size > FULL_BATCH_SIZE:
        level = "full_batch"
        text, value, threshold = f"one pass over the data is {per_epoch} of them", per_epoch, FULL_BATCH_STEPS
    elif ended and updates < FEW:
        level, text, value, threshold = "few", f"the training was planned for {planned}", updates, FEW
    elif size <= SINGLE:
        level, text, value, threshold = "single", f"each from {size} examples", size, SINGLE
    elif updates < FEW:
        return Check(ID, TITLE, "inconclusive", needs=f"{FEW} updates, or the end of the planned training")
    else:
        level, text, value, threshold = "usual", f"each from {size} examples", updates, FEW
    evidence = Evidence(
        f"The weights were updated {updates} times; {text}.", value, threshold, "", SOURCE, (), (1, updates)
    )
    found = level != "usual"
    signs = (("updates", updates), ("per_epoch", per_epoch), ("batch_size", size), ("level", level))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), 0 if found else None, signs=signs)
