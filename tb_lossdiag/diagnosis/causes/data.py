"""Are the data to blame? Inputs and targets the training cannot use as they are."""

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.causes.candidate import BAD, EARLY_DAMAGE, NOT_LEARNING, Candidate
from tb_lossdiag.diagnosis.clues import any_of, found, shows

DATA = (
    Candidate(
        "nonfinite_inputs",
        "NaN or Inf in the data",
        requires=(found("nonfinite", place=("input", "target")),),
        explains=("*",),
        test="np.isfinite(x).all() on the training data",
        fix=fixes.drop_nonfinite,
        certain=True,
        weight=9,
    ),
    Candidate(
        "invalid_labels",
        "Labels the loss cannot use",
        requires=(found("targets", level=("out_of_range", "fractional", "constant")),),
        supports=(found("nonfinite"), found("skill")),
        explains=("*",),
        test="Look at np.unique(y, return_counts=True).",
        fix=fixes.check_labels,
        certain=True,
        weight=8,
    ),
    Candidate(
        "constant_inputs",
        "Inputs that never vary",
        requires=(found("input_scale", level="constant"),),
        supports=(found("output_diversity"), found("skill")),
        explains=("*",),
        test="Print x.min(), x.max() and x.std() right before fit.",
        fix=fixes.check_inputs,
        certain=True,
        weight=8,
    ),
    Candidate(
        "unnormalized_inputs",
        "Inputs are not normalised",
        requires=(
            found("input_scale", level=("large", "uneven", "small")),
            any_of(BAD, shows("skill", skill=lambda s: s < 0.5)),
        ),
        supports=(
            found("early_loss"),
            shows("saturated_units", at_start=True),
            found("nonfinite"),
            found("dead_units"),
            found("exploding_norm"),
            found("skill"),
            found("update_ratio", level="high"),
        ),
        contradicts=(found("loss_pairing", certain=True),),
        explains=(*EARLY_DAMAGE, "learning_rate_too_high", "unscaled_targets"),
        test="Put a Normalization layer in front and train 50 steps.",
        fix=fixes.normalise,
        points_at="input_scale",
        weight=5,
    ),
    Candidate(
        "unscaled_targets",
        "Targets are not scaled",
        requires=(found("targets", level="large"), any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < 0.5))),
        supports=(found("early_loss"), found("skill"), found("exploding_norm")),
        contradicts=(found("loss_pairing", certain=True),),
        explains=(
            "learning_rate_too_low",
            "undertrained",
            "insufficient_capacity",
            "exploding_gradients",
            "saturated_activations",
        ),
        test="Standardise the targets and train 50 steps.",
        fix=fixes.scale_targets,
        weight=4,
    ),
)
