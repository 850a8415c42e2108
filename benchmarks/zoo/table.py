"""How are the scores shown? One table of the tools side by side, one of the causes, as text and as Markdown."""

from collections.abc import Iterable, Mapping
from statistics import median

from benchmarks.zoo.score import Judged, Share, share

TOOLS = ("tool", "detected", "right cause first", "among first three", "healthy accused", "… at critical")
CAUSES = ("cause", "runs", "detected", "first", "top 3", "steps to detection")


def tools(judged: Mapping[str, Iterable[Judged]]) -> list[tuple[str, ...]]:
    """A row per tool; a run that a tool could not judge counts as not detected and as not accused."""
    rows = []
    for name, answers in judged.items():
        sick, healthy = apart(answers)
        rows.append(
            (
                name,
                str(share(sick, lambda one: one.detected)),
                str(share(sick, lambda one: one.first)),
                str(share(sick, lambda one: one.among_three)),
                str(share(healthy, lambda one: one.alarmed)),
                str(share(healthy, lambda one: one.critical)) if name == "tb_lossdiag" else "-",
            )
        )
    return rows


def causes(judged: Iterable[Judged]) -> list[tuple[str, ...]]:
    """A row per cause, of our own answers."""
    sick, _ = apart(judged)
    rows = []
    for cause in sorted({one.truth[0] for one in sick}):
        runs = [one for one in sick if one.truth[0] == cause]
        times = [one.detected_at for one in runs if one.detected_at is not None]
        rows.append(
            (
                cause,
                str(len(runs)),
                *(f"{sum(hits)}" for hits in zip(*((r.detected, r.first, r.among_three) for r in runs), strict=True)),
                f"{median(times):.0f} ({min(times)} … {max(times)})" if times else "-",
            )
        )
    return rows


def live(judged: Iterable[Judged]) -> Share:
    """Healthy runs accused at any look while they were going on, or at the end."""
    return share(apart(judged)[1], lambda one: one.alarmed_live)


def assured(judged: Iterable[Judged]) -> Share:
    """Sick runs of which we say that all is well."""
    return share(apart(judged)[0], lambda one: one.well and not one.detected)


def wrong(judged: Iterable[Judged]) -> list[str]:
    """One line for each run that was missed, misnamed or accused for nothing."""
    lines = []
    for one in judged:
        run = f"{one.name}@{one.seed}"
        if not one.truth and one.alarmed:
            lines.append(f"accused    {run}: {', '.join(one.causes[:3])}")
        elif one.truth and not (one.detected and one.first):
            what = "misnamed  " if one.detected else "missed    "
            lines.append(f"{what} {run}: {', '.join(one.causes[:3]) or 'nothing'}")
    return lines


def apart(judged: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
    """The sick and the healthy."""
    judged = list(judged)
    return [one for one in judged if one.truth], [one for one in judged if not one.truth]


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
