"""Is the end of the model to blame? Output activations and losses that do not belong together."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    HELD_BACK,
    NOT_LEARNING,
    Candidate,
)
from tb_lossdiag.diagnosis.clues import any_of, clear_of, fact, found, shows
from tb_lossdiag.diagnosis.players import is_spent
from tb_lossdiag.diagnosis.wide_outputs import summed
from tb_lossdiag.diagnosis.yes_or_no import asks_each_class

# Half of the first predictions at exactly 0 or 1; a fresh head of a healthy run has none.
EXTREME_START = 0.5
# Of a layer's units.
ALL_DEAD = 0.99

OUTPUT = (
    Candidate(
        "output_activation_mismatch",
        "Output activation does not fit the problem",
        requires=(
            found(
                "loss_pairing",
                fault=(
                    "one_unit_softmax",
                    "logits_as_probabilities",
                    "unreachable_targets",
                    "probabilities_as_logarithms",
                    "logits_as_logarithms",
                    "outside_the_loss",
                    "rates_for_logarithms",
                    "negative_for_logarithm",
                ),
            ),
        ),
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
        requires=(
            found("loss_pairing", fault=("softmax_for_labels", "logits_cut_off")),
            any_of(BAD, shows("skill", skill=lambda s: s < HELD_BACK)),
        ),
        explains=("insufficient_capacity", "undertrained", "noise_floor", "learning_rate_too_low"),
        test="Swap the output layer and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=6,
    ),
    Candidate(
        "output_activation_mismatch",
        "Output activation does not fit the problem",
        requires=(found("loss_pairing", fault="sigmoid_for_classes"), BAD),
        supports=(found("metric_frozen"), shows("saturated_units", output_saturated=True)),
        contradicts=(found("depth_profile"), found("update_ratio", level="high")),
        test="Swap the output layer and train on one batch.",
        fix=fixes.pair,
        points_at="loss_pairing",
        weight=4,
    ),
    Candidate(
        "output_activation_mismatch",
        "The output is normalised",
        requires=(
            found("loss_pairing", fault="normalised_output"),
            any_of(BAD, shows("skill", skill=lambda s: s < 0.5)),
        ),
        supports=(found("skill"), found("early_loss"), found("flatness", direction="flat")),
        explains=("unscaled_targets", "undertrained", "learning_rate_too_low", "insufficient_capacity"),
        test="Train 50 steps without the normalisation behind the last layer.",
        fix=fixes.free_the_output,
        points_at="loss_pairing",
        certain=True,
        accuses_learning=True,
        weight=6,
    ),
    Candidate(
        "loss_mismatch",
        "Loss does not fit the problem",
        requires=(
            found(
                "loss_pairing",
                fault=(
                    "double_probability",
                    "class_count",
                    "squared_error_for_classes",
                    "relative_to_zero",
                    "direction_of_one_number",
                    "targets_below_logarithm",
                    "highest_at_targets",
                ),
            ),
        ),
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
        "The arguments of the loss are swapped",
        requires=(fact(settings.swaps_arguments),),
        explains=("*",),
        test="Print what the loss is given first and second, by name.",
        fix=fixes.swap_back,
        certain=True,
        weight=9,
    ),
    Candidate(
        "loss_mismatch",
        "Several labels at once under a loss for one",
        requires=(found("targets", level="many_hot"),),
        explains=("*",),
        test="Swap the output layer and the loss, and train on one batch.",
        fix=fixes.pair,
        points_at="targets",
        certain=True,
        weight=8,
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
    Candidate(
        "loss_mismatch",
        "Loss does not fit the problem",
        requires=(found("loss_floor", floor=("double_softmax", "double_sigmoid")),),
        supports=(found("flatness", direction="flat"), clear_of("update_ratio"), clear_of("input_scale")),
        explains=("insufficient_capacity", "undertrained", "noise_floor", "unsuitable_optimizer"),
        test="Swap the loss and train on one batch.",
        fix=fixes.pair,
        points_at="loss_floor",
        weight=7,
    ),
    # Mean over all classes of a yes or no: the one that is right counts for one in as many.
    Candidate(
        "loss_mismatch",
        "A binary loss for classes that exclude each other",
        requires=(fact(asks_each_class), NOT_LEARNING),
        supports=(found("skill"), found("flatness"), clear_of("input_scale")),
        contradicts=(found("update_ratio", level=("high", "zero")), found("targets", level="out_of_range")),
        explains=(
            "unsuitable_optimizer",
            "uninformative_labels",
            "learning_rate_too_low",
            "class_imbalance",
            "undertrained",
        ),
        test="Swap the loss for categorical cross-entropy and train 50 steps.",
        fix=fixes.one_of_many,
        weight=5,
    ),
    # The gradient is that of the mean times the batch size, and with plain SGD so is the step.
    Candidate(
        "loss_mismatch",
        "The loss is summed over the batch",
        requires=(fact(summed), any_of(BAD, shows("skill", skill=lambda s: s < 0.5))),
        supports=(found("update_ratio", level="high"), found("early_loss", leapt=True), found("exploding_norm")),
        stands_by=(fact(summed),),
        contradicts=(ANOTHER_FAULT,),
        explains=("exploding_gradients", "poor_initialization"),
        test="Take the mean over the batch, and train 50 steps.",
        fix=fixes.average,
        weight=4,
    ),
    # Sure of everything and mostly wrong, whatever the loss is called.
    Candidate(
        "saturated_loss",
        "The loss sits on its clipping limit",
        requires=(shows("output_diversity", extreme_start=lambda e: e > EXTREME_START), fact(settings.began_wrong)),
        contradicts=(
            ANOTHER_FAULT,
            found("nonfinite"),
            found("zero_gradient", pattern="all", from_start=True, unreached=True),
            found("input_scale", level="large"),
            found("initialization", fault="large_scale"),
            found("activation_scale", level=("blown", "growing")),
        ),
        explains=(
            "disconnected_graph",
            "learning_rate_too_low",
            "insufficient_capacity",
            "dying_relu",
            "undertrained",
            "poor_initialization",
        ),
        test="Let the loss take logits and train on one batch.",
        fix=fixes.logits,
        points_at="output_diversity",
        certain=True,
        weight=5,
    ),
    Candidate(
        "saturated_loss",
        "What is to be gained is at its flat end",
        requires=(fact(is_spent), NOT_LEARNING),
        supports=(found("update_ratio", level=("low", "zero")), found("flatness", direction="flat")),
        explains=("*",),
        test="Bring down the cross-entropy of the same outputs against the other label, and train 50 steps.",
        fix=fixes.ask_for_the_other_label,
        certain=True,
        weight=7,
    ),
    *(
        Candidate(
            "saturated_loss",
            "The loss sits on its clipping limit",
            requires=(certain, any_of(BAD, shows("skill", skill=lambda s: s < 0.3))),
            supports=(
                found("zero_gradient"),
                found("loss_floor", floor="clipped"),
                found("early_loss", high_start=True),
                shows("output_diversity", extreme_start=lambda e: e > EXTREME_START),
                found("skill"),
            ),
            contradicts=(
                ANOTHER_FAULT,
                found("nonfinite"),
                found("zero_gradient", pattern="all", from_start=True, unreached=True),
                found("input_scale", level="large"),
                found("initialization", fault="large_scale"),
                found("activation_scale", level=("blown", "growing")),
                # Outputs of exactly 0 behind a layer that says nothing are no certain answers.
                shows("dead_units", share=lambda share: share > ALL_DEAD),
                *against,
            ),
            explains=(
                "disconnected_graph",
                "learning_rate_too_low",
                "insufficient_capacity",
                "dying_relu",
                "undertrained",
                "overfitting",
                "uninformative_labels",
                "poor_initialization",
            ),
            test="Let the loss take logits and train on one batch.",
            fix=fixes.logits,
            points_at="loss_floor",
            accuses_learning=True,
            weight=5,
        )
        for certain, against in (
            # Certain of everything before anything was learned.
            (shows("output_diversity", extreme_start=lambda e: e > EXTREME_START), ()),
            # Certain at the end: steps that were too large drive the output there as well.
            (
                any_of(found("loss_floor", floor="clipped"), shows("output_diversity", extreme=lambda e: e > 0.95)),
                (found("update_ratio", level="high"),),
            ),
        )
    ),
    Candidate(
        "wrong_metric",
        "Metric does not measure this problem",
        requires=(found("metric_fit"),),
        supports=(shows("skill", skill=lambda s: s > 0.15),),
        contradicts=(ANOTHER_FAULT,),
        test="Evaluate with the metric below on the same model.",
        fix=fixes.measure,
        points_at="metric_fit",
    ),
)
