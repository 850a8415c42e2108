"""Where did the first NaN or Inf appear: input, activation, loss, gradient or weight?

Once one value is not finite, the next step spreads it everywhere, so only the first place in data-flow order explains
it.
"""

from collections.abc import Iterator

import numpy as np

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run, Series, Table, finite

ID = "nonfinite"
TITLE = "NaN or Inf"
SHOWN = 5  # losses before the first that is not finite
# A loss or a gradient that overflows has grown by orders of magnitude before: float32 ends at 1e38, float16 at 65,504.
# Of four programs that took the root or the logarithm of 0, none came to twice its median (measured).
CALM = 10.0
DATA = ("input", "target")
SOURCE = "a single NaN or Inf is never a valid training value"


def check(run: Run) -> Check:
    loss = run.steps.get("loss") or run.epochs.get("loss")
    if loss is None and run.layers is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve or layer records")
    places = [place for place in (_loss(loss, run), *_tables(run)) if place is not None]
    if not places:
        return Check(ID, TITLE, "not_found", (Evidence("Every recorded value is finite.", source=SOURCE),))
    first = min(places)
    in_data = min((place for place in places if place[2] in DATA), default=None)
    # A batch that nobody saw broke it, and one that was seen holds what breaks any: the same rows come again.
    came_again = in_data is not None and first[2] not in DATA and not _was_seen(run, first[0])
    step, _, kind, name = in_data if came_again else first
    text = f"The first NaN or Inf is in {_told(kind, name)}, at step {step}."
    if came_again:
        text = f"{_told(kind, name)} holds NaN or Inf at step {step}; so did, unseen, the batch of step {first[0]}."
    evidence = Evidence(text, None, None, "", SOURCE, (name,) if name else (), (first[0], step))
    told = (evidence, *_losses_before(run), *(_made_of(run, step) if kind == "loss" else ()), *_searched(run))
    is_known = kind in DATA or _was_seen(run, step) or _all_were_seen(run)
    signs = (
        ("place", kind),
        ("step", step),
        ("sudden", _is_sudden(run, first[0])),
        ("data_known", is_known),
    )
    step = first[0]
    return Check(ID, TITLE, "found", told, step, (name,) if name else (), signs=signs)


def _was_seen(run: Run, step: int) -> bool:
    """Whether the batch of this step was looked into."""
    return run.data is not None and run.data.has("nonfinite") and step in run.data.steps


def _all_were_seen(run: Run) -> bool:
    """Whether all batches were, after the loss broke."""
    return any(event.kind == "search" and event.facts.get("found") is False for event in run.events)


def _searched(run: Run) -> Iterator[Evidence]:
    for event in run.events:
        steps = finite(event.facts.get("steps"))
        if event.kind == "search" and event.facts.get("found") is False and steps is not None:
            yield Evidence(f"{steps:.0f} batches were looked into after it: none holds NaN or Inf.", source="the log")
            return


def _is_sudden(run: Run, step: int) -> bool:
    """Whether neither the loss nor the gradients had grown: no overflow, but something without a finite value."""
    return all(_stayed(run.steps[name], step) for name in ("loss", "gradient_norm") if name in run.steps)


def _stayed(series: Series, step: int) -> bool:
    """Whether the last finite value up to a step is not far above what it had been; so it is where there is none."""
    before = np.abs(series.values[(series.steps <= step) & np.isfinite(series.values)])
    return not len(before) or bool(before[-1] <= CALM * np.median(before))


def _told(kind: str, name: str) -> str:
    """A row of data says in its name what it is: "input:x"."""
    if kind == "loss":
        return f"the loss's term {name.removeprefix(f'{kind}:')!r}" if name else "the loss"
    return repr(name) if kind in ("input", "target") else f"the {kind} of {name!r}"


def _made_of(run: Run, step: int) -> Iterator[Evidence]:
    """The loss's terms where it broke, or in the last record before that."""
    table = run.loss_terms("mean")
    known = np.flatnonzero(table.steps <= step) if table is not None else ()
    if not len(known):
        return
    at = known[-1]
    pairs = list(zip(table.rows, table.column("mean")[at].tolist(), strict=True))
    values = ", ".join(f"{row.own_name} {value:.4g}" for row, value in pairs)
    when = "there" if table.steps[at] == step else f"at step {table.steps[at]}, the last sampled before it"
    rows, steps = tuple(row.name for row in table.rows), (int(table.steps[at]), step)
    yield Evidence(f"The loss's terms {when}: {values}.", None, None, "", "the recorded terms", rows, steps)


def _losses_before(run: Run) -> Iterator[Evidence]:
    """What the flight recorder kept of the steps before: a loss that climbs to its end, or one that breaks at once."""
    for event in run.events:
        kept = event.facts.get("losses") if event.kind == "accident" else None
        pairs = [pair for pair in kept if isinstance(pair, list) and len(pair) == 2] if isinstance(kept, list) else []
        known = [(finite(step), finite(loss)) for step, loss in pairs]
        last = [(int(step), loss) for step, loss in known if step is not None and loss is not None][-SHOWN:]
        if event.facts.get("reason") == "nonfinite" and last:
            text = f"The losses before it: {', '.join(f'{loss:.4g}' for _, loss in last)}."
            yield Evidence(text, last[-1][1], None, "loss", "the log's flight recorder", (), (last[0][0], last[-1][0]))
            return


def _loss(series, run: Run) -> tuple | None:
    """With the term that broke it, where the step is one of those whose terms are known.

    A term alone breaks nothing: what is called a loss may be a ratio that is NaN at times.
    """
    bad = np.zeros(0, bool) if series is None else ~np.isfinite(series.values)
    if not bad.any():
        return None
    step, terms = int(series.steps[np.argmax(bad)]), run.loss_terms("nonfinite")
    broken = terms.column("nonfinite")[terms.steps == step] > 0 if terms is not None else np.zeros((0, 0), bool)
    return step, 3, "loss", terms.rows[int(np.argmax(broken[0]))].name if broken.any() else ""


def _tables(run: Run):
    """(step, rank in data-flow order, kind, name) of the first offender in each table."""
    if run.data is not None and run.data.has("nonfinite"):
        yield _first(run.data.of_kind("input"), "nonfinite", 0, "input")
        yield _first(run.data.of_kind("target"), "nonfinite", 1, "target")
    if run.layers is not None and run.layers.has("activation_nonfinite"):
        yield _first(run.layers.of_kind("output"), "activation_nonfinite", 2, "activation")
    # A loss-scaled optimizer overflows on purpose, skips the step and lowers its scale.
    scaled = run.card is not None and run.card.optimizer.get("loss_scale")
    if run.layers is not None and run.layers.has("gradient_nonfinite") and not scaled:
        yield _first(run.layers.of_kind("variable"), "gradient_nonfinite", 4, "gradient")


def _first(table: Table, column: str, rank: int, kind: str) -> tuple | None:
    bad = table.column(column) > 0
    if not bad.any():
        return None
    at = int(np.argmax(bad.any(axis=1)))
    return int(table.steps[at]), rank, kind, table.rows[int(np.argmax(bad[at]))].name
