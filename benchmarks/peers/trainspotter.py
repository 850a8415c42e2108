"""What does trainspotter (PyPI, 2026) say? The package itself, on the run's metrics as CSV.

Findings of severity error and warning are alarms, and a plateau too, which it only calls "info" but which is what we
ask about. "No LR warmup detected" is a warning there for every constant learning rate; it is taken as advice here.
"""

from benchmarks.peers.answer import Answer, Case, Remark, answer
from benchmarks.peers.export import scalar_csv

ALARMING_NOTES = ("plateau",)  # detectors
ADVICE = ("No LR warmup detected",)  # titles

# Its detector -> the causes its message and fixes name, in their order.
CAUSES = {
    "divergence": ("learning_rate_too_high", "exploding_gradients"),
    "spikes": ("learning_rate_too_high", "exploding_gradients"),
    "grad_norm": ("exploding_gradients", "learning_rate_too_high"),
    "plateau": ("learning_rate_too_low", "frozen_layers"),
    "overfitting": ("overfitting",),
}


def ask(case: Case) -> Answer:
    from trainspotter import load_run, run_all

    with scalar_csv(case.run) as path:
        findings = run_all(load_run(path))
    return answer(
        Remark(f"{found.severity} {found.title}: {found.message}", CAUSES.get(found.detector, ()), _alarms(found))
        for found in findings
    )


def _alarms(finding) -> bool:
    if finding.title in ADVICE:
        return False
    return finding.severity != "info" or finding.detector in ALARMING_NOTES
