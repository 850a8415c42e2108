"""Which records were written and are not there? By what the writers counted, whichever loader read what is left."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.logs.source import Samples


def missing(arrived: Mapping[str, Samples], ends: Samples, numbered: int) -> list[str]:
    """A sentence for each tag of which fewer records came than were written.

    arrived: {tag: the records that came}. ends: what writers said when they were closed. numbered: how many STEPS
    records there are by their own numbers, which also tell of a gap where no writer came to its end.
    """
    written = {schema.STEPS: numbered}
    came = {tag: len(samples) for tag, samples in arrived.items()}
    if len(ends):
        first, counts = _numbers(ends.values[-1])
        later = {tag: int(np.count_nonzero(samples.steps >= first)) for tag, samples in arrived.items()}
        for tag, count in counts.items():
            lacking = count - later.get(tag, 0)
            written[tag] = max(written.get(tag, 0), came.get(tag, 0) + lacking)
    return [
        f"{tag}: {came.get(tag, 0)} of {count} records are there"
        for tag, count in sorted(written.items())
        if count > came.get(tag, 0) and not (tag in arrived and arrived[tag].sampled)
    ]


def _numbers(end: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
    """The first step and the counts of known tags, where the record has them as it should."""
    records, first = end.get("records"), end.get("first")
    counts = records if isinstance(records, dict) and _is_count(first) else {}
    known = (*schema.TENSOR_TAGS, schema.CARD, schema.EPOCHS, schema.EVENTS)
    return (first if counts else 0), {tag: counts[tag] for tag in known if _is_count(counts.get(tag))}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= schema.MAX_STEP
