"""Faults of the data: which of them may be accused, and on what grounds?"""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.gradient_agreement import ALIGNED, NOISE
from tb_lossdiag.run import Series


def named(run, cause):
    return next((c for c in diagnose_run(run).causes if c.id == cause), None)


def agreeing(run, cosine):
    steps = a.STEPS
    return replace(
        run, steps={**run.steps, "gradient_agreement": Series(steps, np.full(len(steps), cosine), len(steps))}
    )


@pytest.mark.parametrize(
    ("cosine", "confidence", "severity"),
    [
        (0.5 * NOISE, "likely", "critical"),
        (2 * NOISE, "possible", "warning"),
        (2 * ALIGNED, "possible", "warning"),
    ],
)
def test_labels_are_blamed_for_sure_only_where_gradients_share_nothing(cosine, confidence, severity):
    cause = named(agreeing(a.guessing(), cosine), "uninformative_labels")
    assert (cause.confidence, cause.severity) == (confidence, severity)


def test_a_rare_class_is_not_to_blame_where_the_loss_gives_it_weight():
    def rare(weights):
        card = s.card(loss={"name": "binary_crossentropy"}, settings={"sample_weight": weights})
        return replace(a.guessing(0.2, card=card), targets=s.target_table([0.05]))

    assert named(rare(False), "class_imbalance").confidence == "likely"
    assert named(rare(True), "class_imbalance").confidence == "possible"
