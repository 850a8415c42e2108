"""What does runmedic (PyPI, 2026) say? The package itself, on the run's metrics as CSV.

Its findings list likely causes "ordered by how well the data supports them"; a finding it marks "info" is no alarm.
"""

from benchmarks.peers.answer import Answer, Case, Remark, answer
from benchmarks.peers.export import scalar_csv

# Words of its likely causes -> ours, each sentence read for all of them, in this order.
PHRASES = {
    "nan/inf in inputs": ("nonfinite_inputs", "invalid_labels"),
    "bad initialization": ("poor_initialization",),
    "exploding gradients": ("exploding_gradients",),
    "learning rate is zero": ("learning_rate_zero",),
    "learning rate is too high": ("learning_rate_too_high",),
    "learning rate too high": ("learning_rate_too_high",),
    "missing warmup": ("learning_rate_too_high",),
    "schedule never stops increasing": ("learning_rate_too_high",),
    "not connected to the loss": ("disconnected_graph", "dying_relu"),
    "weights are not updated": ("updates_not_applied", "frozen_layers", "nothing_trainable"),
    "learning rate far too low": ("learning_rate_too_low",),
    "labels are misaligned": ("invalid_labels",),
    "bad batch": ("nonfinite_inputs",),
    "memorizes": ("overfitting",),
}


def ask(case: Case) -> Answer:
    from runmedic import checks, loaders, roles

    with scalar_csv(case.run) as path:
        (run,) = loaders.load(str(path))
    findings = checks.run_checks(run, roles.detect(run))
    return answer(
        Remark(f"{found.severity}: {found.title}. {found.causes[0]}", _causes(found), found.severity != "info")
        for found in findings
    )


def _causes(finding) -> tuple[str, ...]:
    sentences = [sentence.lower() for sentence in finding.causes]
    return tuple(cause for text in sentences for phrase, ours in PHRASES.items() if phrase in text for cause in ours)
