"""Are the data to blame? Inputs and targets that the training cannot use as they are."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes import settling
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    BLOCKED,
    EARLY_DAMAGE,
    NOT_LEARNING,
    Candidate,
    grown_up,
    unannounced,
)
from tb_lossdiag.diagnosis.clues import Findings, any_of, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.report import Evidence

# Fresh weights answer different inputs differently by far more than float32 rounds.
SAME = 1e-6

# Inputs or targets of this size are far from what fresh weights take or give, whatever else is wrong; raw pixels have
# 100. Between this and what the checks call large many trainings learn.
FAR_OFF = 80.0

# What a way of thousands of steps to the targets, or one leap to them, looks like.
OF_LARGE_TARGETS = (
    "learning_rate_too_high",
    "learning_rate_too_low",
    "undertrained",
    "insufficient_capacity",
    "exploding_gradients",
    "saturated_activations",
    "dying_relu",
    "uninformative_labels",
)


def no_batch_seen(f: Findings) -> tuple[Evidence, ...]:
    """To be asked only where no recorded batch holds NaN or Inf."""
    return (Evidence("No batch that was looked into holds NaN or Inf."),)


DATA = (
    Candidate(
        "nonfinite_inputs",
        "NaN or Inf in the data",
        requires=(found("nonfinite", place=("input", "target")),),
        stands_by=(found("nonfinite"),),
        explains=("*",),
        test=settling.ALL_FINITE,
        fix=fixes.drop_nonfinite,
        certain=True,
        weight=9,
    ),
    # The batch that broke it was not looked into, nor all of them after it: then this and an operation without a finite
    # value look alike.
    Candidate(
        "nonfinite_inputs",
        "NaN or Inf in the data",
        requires=(
            found("nonfinite", place=("loss", "gradient"), data_known=False),
            unannounced,
            ended("nonfinite"),
        ),
        contradicts=(no_batch_seen, ANOTHER_FAULT),
        test=settling.ALL_FINITE,
        fix=fixes.drop_nonfinite,
        weight=6,
    ),
    Candidate(
        "invalid_labels",
        "Labels the loss cannot use",
        requires=(found("targets", level=("out_of_range", "fractional", "constant", "none_hot")),),
        stands_by=(found("targets"),),
        supports=(found("nonfinite"), found("skill")),
        explains=("*",),
        test=settling.COUNT_LABELS,
        fix=fixes.check_labels,
        certain=True,
        weight=8,
    ),
    # An alignment needs an output step for each label, and one more between two that are the same.
    Candidate(
        "invalid_labels",
        "Labels longer than the outputs that they are aligned with",
        requires=(
            fact(settings.aligns_labels),
            found("nonfinite", place=("loss", "gradient")),
            unannounced,
            ended("nonfinite"),
        ),
        contradicts=(ANOTHER_FAULT, fact(settings.rate_is_unusual), found("initialization")),
        explains=("exploding_gradients", "nonfinite_inputs", "dying_relu", "undertrained", "saturated_loss"),
        test="Compare the longest label, and the steps of its output, of each batch.",
        fix=fixes.shorten_labels,
        points_at="nonfinite",
        weight=7,
    ),
    # Its least is 0, but where a label has the number that says "nothing here".
    Candidate(
        "invalid_labels",
        "A label has the number of CTC's blank",
        requires=(
            fact(settings.aligns_labels),
            found("loss_bound", level="impossible"),
            unless(found("loss_pairing")),
        ),
        explains=("unbounded_loss", "learning_rate_too_high", "overfitting", "undertrained"),
        test="Print the smallest label, without what only fills up a row, and the loss's blank.",
        fix=fixes.number_from_one,
        points_at="loss_bound",
        certain=True,
        weight=8,
    ),
    Candidate(
        "invalid_labels",
        "Labels 0 and 1 where the loss takes -1 and 1",
        requires=(found("loss_pairing", fault="labels_for_signs"),),
        supports=(found("skill"), found("zero_gradient"), found("flatness", direction="flat")),
        explains=("*",),
        test="Print the loss of examples whose label is 0: no output changes it.",
        fix=fixes.give_signs,
        points_at="loss_pairing",
        certain=True,
        weight=8,
    ),
    Candidate(
        "constant_inputs",
        "Inputs that never vary",
        requires=(found("input_scale", level="constant"),),
        stands_by=(found("input_scale"),),
        supports=(found("output_diversity"), found("skill")),
        explains=("*",),
        test="Print x.min(), x.max() and x.std() right before training.",
        fix=fixes.check_inputs,
        certain=True,
        weight=8,
    ),
    # The same picture again and again varies from pixel to pixel, but no example differs from another.
    Candidate(
        "constant_inputs",
        "Inputs that never vary",
        requires=(
            found("output_diversity", alike=True, diversity_start=lambda d: d < SAME),
            clear_of("initialization"),
            ended("never_learned"),
            unless(fact(settings.inputs_vary)),
        ),
        supports=(found("skill"), clear_of("input_scale"), clear_of("loss_pairing"), clear_of("depth_profile")),
        contradicts=(
            found("input_scale", level=("large", "uneven", "small")),
            found("loss_pairing"),
            found("dead_units", at_start=True),
            found("zero_gradient", from_start=True),
            found("depth_profile"),
            found("activation_scale"),
        ),
        explains=("uninformative_labels", "dying_relu", "learning_rate_too_low", "learning_rate_too_high"),
        test=settling.LARGEST_RANGE,
        fix=fixes.check_inputs,
        points_at="output_diversity",
        weight=6,
    ),
    Candidate(
        "unnormalized_inputs",
        "Inputs are not normalised",
        requires=(
            found("input_scale", level=("large", "uneven", "small")),
            any_of(BAD, shows("skill", skill=lambda s: s < 0.5)),
        ),
        supports=(
            found("input_scale", size=lambda s: s > 50),
            found("early_loss"),
            shows("saturated_units", at_start=True),
            found("nonfinite"),
            found("dead_units"),
            found("exploding_norm"),
            found("skill"),
            found("update_ratio", level="high"),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=(
            *EARLY_DAMAGE,
            "learning_rate_too_high",
            "unscaled_targets",
            "saturated_loss",
            "uninformative_labels",
            "unsuitable_optimizer",
            "noise_floor",
        ),
        test="Standardise the inputs and train 50 steps.",
        stands_by=(shows("input_scale", level="large", size=lambda s: s > FAR_OFF),),
        fix=fixes.normalise,
        points_at="input_scale",
        accuses_learning=True,
        good_enough=0.4,
        weight=5,
    ),
    # Scaled in place, once an epoch: what the model learned first is of other inputs than what it is given last.
    Candidate(
        "unnormalized_inputs",
        "Inputs change their scale while training",
        requires=(found("input_scale", level="drifting"), BAD),
        supports=(found("skill"), found("output_diversity"), clear_of("initialization")),
        contradicts=(ANOTHER_FAULT,),
        explains=(*EARLY_DAMAGE, "uninformative_labels", "undertrained", "constant_inputs"),
        test="Print x.std() at the beginning of each epoch.",
        fix=fixes.check_inputs,
        points_at="input_scale",
        weight=6,
    ),
    # Where nothing says how well it does: inputs so large that hardly a unit of a bounded layer answers to them, to the
    # end, leave a falling loss to what is not asked of the inputs.
    Candidate(
        "unnormalized_inputs",
        "Inputs are not normalised",
        requires=(
            found("input_scale", level="large", size=lambda s: s > FAR_OFF),
            found("saturated_units", at_start=True, share=lambda share: share > BLOCKED),
            unless(shows("skill", level=("none", "little", "some", "solved", "open"))),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=(*EARLY_DAMAGE, "learning_rate_too_high"),
        test="Standardise the inputs and train 50 steps.",
        stands_by=(shows("input_scale", level="large", size=lambda s: s > FAR_OFF),),
        fix=fixes.normalise,
        points_at="input_scale",
        certain=True,
        weight=5,
    ),
    Candidate(
        "unscaled_targets",
        "Targets are not scaled",
        requires=(found("targets", level="large"), any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < 0.5))),
        supports=(
            found("early_loss"),
            found("skill"),
            found("exploding_norm"),
            ended("nonfinite", "diverging"),
            clear_of("input_scale"),
            clear_of("initialization"),
            found("targets", size=lambda s: s > FAR_OFF),
            found("weight_growth"),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=OF_LARGE_TARGETS,
        stands_by=(shows("targets", level="large", size=lambda s: s > FAR_OFF),),
        test="Standardise the targets and train 50 steps.",
        fix=fixes.scale_targets,
        accuses_learning=True,
        weight=5,
    ),
    # Whatever the loss is called and however far it has come down: the outputs are not where the targets are.
    Candidate(
        "unscaled_targets",
        "Targets that the outputs have not come to",
        requires=(found("targets", unreached=True), grown_up),
        contradicts=(ANOTHER_FAULT,),
        explains=OF_LARGE_TARGETS,
        stands_by=(shows("targets", level="large", size=lambda s: s > FAR_OFF),),
        test="Standardise the targets and train 50 steps.",
        fix=fixes.scale_targets,
        certain=True,
        weight=5,
    ),
)
