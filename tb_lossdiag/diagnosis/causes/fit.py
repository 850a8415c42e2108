"""Does the size of the model fit the data? Too simple, too complex, too strongly regularised."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes.candidate import Candidate
from tb_lossdiag.diagnosis.clues import clear_of, ended, fact, found, shows

FIT = (
    Candidate(
        "insufficient_capacity",
        "Model too simple",
        requires=(ended("stalled", "never_learned"), fact(settings.is_narrow)),
        supports=(
            clear_of("update_ratio"),
            clear_of("dead_units"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
            shows("skill", level="some"),
        ),
        contradicts=(found("zero_gradient"), found("dead_units"), found("update_ratio", level=("high", "low", "zero"))),
        test="Double the width and train as long.",
        fix=fixes.widen,
        weight=1,
    ),
    Candidate(
        "excessive_dropout",
        "Too much dropout",
        requires=(found("architecture", fault="dropout"), ended("never_learned", "stalled", "slow")),
        supports=(clear_of("update_ratio"), found("flatness", direction="flat")),
        test="Halve the rate and train one epoch.",
        fix=fixes.less_dropout,
        points_at="architecture",
        weight=3,
    ),
    Candidate(
        "overfitting",
        "Overfitting",
        requires=(found("generalization_gap"),),
        supports=(
            shows("generalization_gap", rise=lambda r: r > 0.2),
            shows("generalization_gap", ratio=lambda r: r > 3),
        ),
        contradicts=(found("loss_pairing", certain=True),),
        test="Train with dropout 0.5 before the last layer and compare validation losses.",
        fix=fixes.regularise,
        weight=3,
    ),
)
