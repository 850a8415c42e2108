"""Which cost was promised, and is it kept? As ratios to plain training on two cores."""

from benchmarks.overhead.paired import Spread

OFF, AUTO, FIRST, LOOP = "between samples", "auto", "first call", "fits in a loop"
EVERYWHERE = {OFF: 1.005, "every=100": 1.01, AUTO: 1.02, FIRST: 2.0, LOOP: 1.05}
BY_MODEL = {
    "every=10": {"mlp": 1.05, "cnn": 1.02, "transformer": 1.02, "deep": 1.08},
    "every=1": {"mlp": 1.35, "cnn": 1.10, "transformer": 1.15, "deep": 1.45},
}


def goal(arm: str, name: str) -> float | None:
    """Of a model by its short name; None where none was set."""
    return EVERYWHERE.get(arm) or BY_MODEL.get(arm, {}).get(name)


def verdict(ratio: Spread, limit: float | None) -> str:
    """Missed or met where the whole interval says so."""
    if limit is None:
        return ""
    if ratio.low > limit:
        return "missed"
    return "met" if ratio.high <= limit else ("likely met" if ratio.median <= limit else "likely missed")
