"""Is the number of examples in a step to blame? The noise of one example, the updates that one batch leaves out."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    HELD_BACK,
    LARGE_LATE_STEPS,
    NOT_LEARNING,
    Candidate,
)
from tb_lossdiag.diagnosis.clues import any_of, clear_of, ended, fact, found, shows
from tb_lossdiag.diagnosis.symptoms.update_count import FEW

# With one or two updates an epoch a training that stops short of this would have gone further with more of them.
ONE_UPDATE_AN_EPOCH = 0.85
# Single batches scatter by half of the loss.
LOUD = 0.5

BATCH = (
    Candidate(
        "noise_floor",
        "Stuck in the noise of the steps",
        requires=(
            any_of(found("plateau_noise", level="noisy"), shows("gradient_agreement", level="noise")),
            ended("stalled", "never_learned"),
            shows("skill", skill=lambda s: 0.05 < s < 0.9),
            shows("update_ratio", late=lambda u: u > 3e-3),
            fact(settings.rate_is_constant),
        ),
        supports=(
            found("plateau_noise", level="noisy"),
            shows("gradient_agreement", level="noise"),
            fact(settings.small_batch),
            shows("update_ratio", late=lambda u: u > LARGE_LATE_STEPS),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("update_ratio", level=("low", "zero")),
            found("dead_units"),
            found("zero_gradient"),
            fact(settings.is_bottleneck),
        ),
        explains=("insufficient_capacity", "unsuitable_optimizer"),
        test="Train one more epoch with a tenth of the learning rate: the loss drops at once if it was noise.",
        fix=fixes.decay_rate,
        points_at="plateau_noise",
        good_enough=HELD_BACK,
        weight=2,
    ),
    # So much noise that not even flatness can be told, and steps as large as at the start.
    Candidate(
        "noise_floor",
        "Stuck in the noise of the steps",
        requires=(
            shows("plateau_noise", settled=True, spread=lambda s: s > LOUD),
            shows("skill", skill=lambda s: 0.05 < s < HELD_BACK),
            shows("update_ratio", late=lambda u: u > LARGE_LATE_STEPS),
            fact(settings.small_batch),
            fact(settings.rate_is_constant),
        ),
        supports=(fact(settings.adapts_nothing), found("update_ratio", level="high"), clear_of("input_scale")),
        contradicts=(ANOTHER_FAULT, found("zero_gradient"), fact(settings.is_bottleneck)),
        explains=("insufficient_capacity", "unsuitable_optimizer", "learning_rate_too_high"),
        test="Train one more epoch with a tenth of the learning rate: the loss drops at once if it was noise.",
        fix=fixes.decay_rate,
        points_at="plateau_noise",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=2,
    ),
    Candidate(
        "unsuitable_batch_size",
        "Batch size does not suit",
        requires=(
            found("update_count", level="full_batch"),
            any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < ONE_UPDATE_AN_EPOCH)),
        ),
        supports=(
            fact(settings.ran_as_planned),
            shows("gradient_agreement", level="aligned"),
            shows("flatness", direction="falling"),
            found("update_count", updates=lambda n: n < FEW),
            clear_of("input_scale"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("update_ratio", level=("zero", "low")),
            found("input_scale", level=("large", "constant")),
            found("zero_gradient"),
            found("initialization"),
        ),
        explains=("undertrained", "unsuitable_optimizer", "learning_rate_too_low"),
        stands_by=(found("update_count"),),
        test="Train as many epochs with batches of 32.",
        fix=fixes.rebatch,
        points_at="update_count",
        accuses_learning=True,
        good_enough=ONE_UPDATE_AN_EPOCH,
        weight=3,
    ),
    # The mean of one example is the example: behind it every input is the same, and no gradient is left.
    Candidate(
        "unsuitable_batch_size",
        "Batch normalisation over a single example",
        requires=(
            found("update_count", level="single"),
            fact(settings.normalizes_batches),
            found("zero_gradient", from_start=True, unreached=False),
        ),
        contradicts=(ANOTHER_FAULT, found("input_scale", level="constant")),
        explains=(
            "disconnected_graph",
            "updates_not_applied",
            "dying_relu",
            "vanishing_gradients",
            "train_eval_mismatch",
        ),
        test="Train as many examples with batches of 32.",
        fix=fixes.rebatch,
        points_at="update_count",
        weight=7,
    ),
    Candidate(
        "unsuitable_batch_size",
        "Batch size does not suit",
        requires=(
            found("update_count", level="single"),
            NOT_LEARNING,
        ),
        supports=(
            found("plateau_noise"),
            shows("gradient_agreement", level="noise"),
            found("loss_spikes"),
            found("update_ratio", level="high"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("update_ratio", level=("zero", "low")),
            found("input_scale"),
        ),
        explains=("noise_floor", "learning_rate_too_high"),
        stands_by=(found("update_count"),),
        test="Train as many examples with batches of 32.",
        fix=fixes.rebatch,
        points_at="update_count",
        weight=4,
    ),
)
