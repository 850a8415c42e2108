"""What does trainproof (PyPI, 2026) say? The package itself, on the run's metrics as CSV.

Findings of level FAIL and WARN are alarms; INFO, PASS and NOT-CHECKED are not.
"""

from benchmarks.peers.answer import Answer, Case, Remark, answer
from benchmarks.peers.export import scalar_csv

ALARMS = ("FAIL", "WARN")

# Its rule -> the causes its message or evidence names. Most name the symptom only.
CAUSES = {
    "TP-NAN-GRAD": ("exploding_gradients",),
    "TP-GRAD-SPIKE": ("exploding_gradients",),
    "TP-ZERO-GRAD": ("disconnected_graph", "nothing_trainable", "frozen_layers"),
    "TP-ZERO-LOSS": ("invalid_labels",),
    "TP-ZERO-LR": ("learning_rate_zero",),
    "TP-ZERO-LR-PARTIAL": ("learning_rate_zero",),
    "TP-OVERFIT": ("overfitting",),
}


def ask(case: Case) -> Answer:
    from trainproof.epoch import check_epoch

    with scalar_csv(case.run) as path:
        findings = check_epoch(path)["findings"]
    return answer(
        Remark(
            f"{found['level']} {found['id']}: {found['message']}",
            CAUSES.get(found["id"], ()),
            found["level"] in ALARMS,
        )
        for found in findings
    )
