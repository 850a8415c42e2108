"""What does gradsnitch (PyPI, 2026) say? The package itself, on the run's metrics as CSV.

It is given what its own loop monitor would see: loss, learning rate, gradient norm, update ratio, validation loss.
"""

from benchmarks.peers.answer import Answer, Case, Remark, answer
from benchmarks.peers.export import scalar_csv

# Its rule -> the causes its text names, in the text's order.
CAUSES = {
    "GS001": ("learning_rate_too_high", "nonfinite_inputs", "exploding_gradients"),
    "GS002": ("exploding_gradients", "learning_rate_too_high", "nonfinite_inputs"),
    "GS003": ("learning_rate_too_high", "exploding_gradients"),
    "GS004": ("overfitting",),
    "GS005": ("learning_rate_too_low", "poor_initialization", "dying_relu", "frozen_layers", "invalid_labels"),
    "GS006": ("learning_rate_too_high",),
    "GS007": ("vanishing_gradients", "dying_relu", "saturated_activations", "learning_rate_too_low"),
    "GS009": ("learning_rate_too_high",),
    "GS010": ("learning_rate_zero",),
}
UPDATE_RATIO = {True: ("learning_rate_too_high",), False: ("learning_rate_too_low", "frozen_layers")}  # GS008


def ask(case: Case) -> Answer:
    import gradsnitch

    with scalar_csv(case.run) as path:
        findings = gradsnitch.lint_csv(str(path))
    return answer(Remark(f"{found.code} {found.name}: {found.evidence}", _causes(found)) for found in findings)


def _causes(finding) -> tuple[str, ...]:
    if finding.code == "GS008":
        return UPDATE_RATIO["too high" in finding.name]
    return CAUSES.get(finding.code, ())
