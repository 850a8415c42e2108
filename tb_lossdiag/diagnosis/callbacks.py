"""Which callbacks did the training have, with which arguments, and which way is better for the metric they watch?"""

import re
from collections.abc import Mapping
from typing import Any

from tb_lossdiag.diagnosis.accuracy import NAMES
from tb_lossdiag.run import Run

# Keras numbers metrics of one class: auc, auc_1, auc_2.
RATES = re.compile(r"(auc|precision|recall)(_\d+)?")


def callbacks(run: Run) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """(class name, arguments) of each callback or scheduler that the card knows; what is malformed is left out."""
    written = run.card.settings.get("callbacks") if run.card is not None else None
    known = []
    for one in written if isinstance(written, (list, tuple)) else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            config = one.get("config")
            known.append((one["name"], config if isinstance(config, Mapping) else {}))
    return tuple(known)


def better(metric: str) -> str | None:
    """ "min" for a loss, "max" for Keras's own rates of right answers; None where the name does not tell."""
    name = metric.removeprefix("val_")
    if name == "loss" or name.endswith("_loss"):
        return "min"
    return "max" if name in NAMES or RATES.fullmatch(name) else None
