"""Does a layer take the examples of a batch for the steps of a sequence? By the sizes of the axes that it was given.

torch's recurrent and attention layers have the steps in front unless they are told batch_first=True. Given [batch,
steps, features] they go along the batch: what they say of an example hangs on those before it, not on its own steps.
"""

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run, finite

ID = "sequence_axis"
TITLE = "Steps and examples"
SOURCE = "torch's definition of batch_first"


def check(run: Run) -> Check:
    layers = [one for one in (run.card.layers if run.card is not None else ()) if one.number("sequence_steps")]
    batch = run.card.batch_size if run.card is not None else None
    if not layers or not batch:
        return Check(ID, TITLE, "not_run", needs=recorded("layers that have the steps of a sequence in front", run))
    turned = [one for one in layers if _is_turned(run, one, batch)]
    first = (turned or layers)[0]
    steps, examples = int(first.number("sequence_steps")), int(first.number("sequence_examples") or 0)
    text = f"{first.path!r} takes its input for {examples} examples of {steps} steps"
    text += f", and the batch has {batch} examples: it goes along the batch." if turned else "."
    names = tuple(one.path for one in turned)
    evidence = Evidence(text, None, None, "", SOURCE, names or (first.path,))
    return Check(ID, TITLE, "found" if turned else "not_found", (evidence,), 1 if turned else None, names)


def _is_turned(run: Run, layer: LayerCard, batch: int) -> bool:
    """Whether its steps are as many as the examples, and its examples are not, nor does a target say otherwise.

    A loss over [steps, examples] has the steps in front as well. A sequence of one example alone has no other axis.
    """
    steps, examples = layer.number("sequence_steps"), layer.number("sequence_examples")
    shapes = run.card.settings.get("loss_shapes")
    target = shapes.get("target") if isinstance(shapes, dict) else None
    axes = target[1:2] if isinstance(target, (list, tuple)) else []
    return steps == batch and examples not in (batch, 1) and not any(finite(size) == examples for size in axes)
