"""Are classes that exclude each other asked for one by one? Their binary cross-entropy is a mean over all of them."""

from tb_lossdiag.diagnosis.output_layer import output_units
from tb_lossdiag.diagnosis.reference import BINARY, loss_name, pooled_mean
from tb_lossdiag.run import Run

# With fewer the mean over yes and no still asks for the right one; forty did not (docs/first_contact.md, ninth round).
MANY_CLASSES = 10
# Labels of which one holds add up to 1, but for what is only smoothed.
ONE = 0.02


def asks_each_class(run: Run) -> str | None:
    """That classes which exclude each other are asked for one by one, each yes or no."""
    card = run.card
    if card is None or loss_name(card) not in BINARY or run.targets is None or not run.targets.rows:
        return None
    shares, units = pooled_mean(run.targets), output_units(card) or 0
    if units < MANY_CLASSES or len(shares) != units or abs(float(shares.sum()) - 1) > ONE:
        return None
    text = f"One of {units} classes is right, and the loss is the mean of {units} answers of yes or no: "
    return text + "no to all is nearly right."
