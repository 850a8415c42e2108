"""Is the end of the model to blame? Output activations and losses that do not belong together."""

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.causes.candidate import BAD, NOT_LEARNING, Candidate
from tb_lossdiag.diagnosis.clues import found, shows

OUTPUT = (
    Candidate(
        "output_activation_mismatch",
        "Output activation does not fit the problem",
        requires=(found("loss_pairing", fault=("one_unit_softmax", "logits_as_probabilities", "unreachable_targets")),),
        supports=(
            found("metric_frozen"),
            found("skill"),
            found("output_diversity"),
            found("nonfinite"),
            found("flatness", direction="flat"),
        ),
        explains=("*",),
        test="Swap the output layer and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        certain=True,
        weight=8,
    ),
    Candidate(
        "output_activation_mismatch",
        "Output activation does not fit the problem",
        requires=(found("loss_pairing", fault=("sigmoid_for_classes", "softmax_for_labels")), BAD),
        supports=(found("metric_frozen"), shows("saturated_units", output_saturated=True)),
        contradicts=(found("depth_profile"), found("update_ratio", level="high")),
        test="Swap the output layer and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        weight=4,
    ),
    Candidate(
        "loss_mismatch",
        "Loss does not fit the problem",
        requires=(found("loss_pairing", fault=("double_probability", "class_count")),),
        supports=(found("skill"), found("flatness", direction="flat")),
        explains=("*",),
        test="Swap the loss and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        certain=True,
        weight=7,
    ),
    Candidate(
        "loss_mismatch",
        "Loss does not fit the problem",
        requires=(found("loss_pairing", fault="squared_error_for_labels"), NOT_LEARNING),
        supports=(found("skill"), found("saturated_units")),
        explains=("learning_rate_too_low", "undertrained", "insufficient_capacity"),
        test="Swap the loss and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        weight=6,
    ),
)
