"""Are the weights to blame? What is frozen, cut off or badly started."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes import settling
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    EARLY_DAMAGE,
    HELD_BACK,
    NOT_LEARNING,
    SETTLED_EARLY,
    USEFUL,
    Candidate,
    grown_up,
)
from tb_lossdiag.diagnosis.clues import all_of, any_of, clear_of, fact, found, shows
from tb_lossdiag.diagnosis.standing import WORSE
from tb_lossdiag.diagnosis.wide_outputs import starts_wide

# The share of itself by which the loss would change if a weight matrix changed by its own size, at most, over the whole
# run: 2e-7 behind a stopped gradient, 0.1 and more in healthy runs.
DETACHED = 1e-6
# Of the trainable weights; BERT's pooler, which many losses leave out, is half a hundredth.
A_PART = 1 / 3

# Every answer was exactly 0 or 1 before anything was learned: a clipped loss has no gradient there, and nothing is cut.
NEARLY_ALL = 0.95
CLIPPED = all_of(
    found("zero_gradient", unreached=False),
    shows("output_diversity", extreme_start=lambda e: e > NEARLY_ALL),
)

WEIGHTS = (
    Candidate(
        "nothing_trainable",
        "Nothing is trainable",
        requires=(found("trainable", nothing=True),),
        stands_by=(found("trainable"),),
        supports=(found("flatness"), found("update_ratio", level="zero")),
        explains=("*",),
        test=settling.COUNT_TRAINABLE,
        fix=fixes.unfreeze,
        points_at="trainable",
        certain=True,
        weight=8,
    ),
    Candidate(
        "frozen_layers",
        "Frozen layers",
        requires=(
            found("trainable", nothing=False),
            any_of(NOT_LEARNING, SETTLED_EARLY, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            fact(settings.is_mostly_frozen),
            found("flatness", direction="flat"),
            clear_of("update_ratio"),
        ),
        contradicts=(
            found("update_ratio", level="high"),
            # The layers that are trained could give a constant at least, whatever the frozen ones hand them.
            shows("skill", skill=lambda s: s < WORSE),
        ),
        explains=(
            "insufficient_capacity",
            "undertrained",
            "learning_rate_too_low",
            "uninformative_labels",
            "noise_floor",
        ),
        stands_by=(found("trainable"),),
        test="Unfreeze them and train 50 steps.",
        fix=fixes.unfreeze,
        points_at="trainable",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=4,
    ),
    # What was frozen holds random numbers: no pretrained features, whatever the layers behind make of them.
    Candidate(
        "frozen_layers",
        "Layers frozen before they were trained",
        requires=(
            found("trainable", nothing=False, untrained=True),
            any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < HELD_BACK)),
        ),
        explains=(
            "insufficient_capacity",
            "undertrained",
            "learning_rate_too_low",
            "uninformative_labels",
            "noise_floor",
        ),
        test="Load the pretrained weights, or unfreeze the layers, and train 50 steps.",
        fix=fixes.unfreeze,
        points_at="trainable",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=5,
    ),
    Candidate(
        "symmetric_initialization",
        "All units start the same",
        requires=(
            found("initialization", fault=("symmetric", "zero")),
            any_of(BAD, shows("skill", skill=lambda s: s < HELD_BACK)),
        ),
        explains=EARLY_DAMAGE,
        stands_by=(found("initialization"),),
        test="Give the layer its default initialiser and train 50 steps.",
        fix=fixes.initialise,
        points_at="initialization",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=7,
    ),
    Candidate(
        "symmetric_initialization",
        "Factors that all start at zero",
        requires=(found("zero_gradient", at_zero=True),),
        explains=(*EARLY_DAMAGE, "frozen_layers", "uninformative_labels", "updates_not_applied", "noise_floor"),
        test="Draw one of the factors from its default initialiser and train 50 steps.",
        fix=fixes.initialise,
        points_at="zero_gradient",
        certain=True,
        weight=7,
    ),
    Candidate(
        "poor_initialization",
        "Initial weights on the wrong scale",
        requires=(
            found("initialization", fault=("large_scale", "small_scale", "bias")),
            any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            found("early_loss"),
            found("activation_scale"),
            found("skill"),
            shows("dead_units", at_start=True),
            shows("saturated_units", at_start=True),
            found("depth_profile"),
            found("nonfinite"),
            found("exploding_norm"),
            found("zero_gradient", from_start=True),
        ),
        contradicts=(found("input_scale", level="large"),),
        explains=(*EARLY_DAMAGE, "learning_rate_too_high", "unscaled_targets"),
        test="Give the layer its default initialiser and train 50 steps.",
        fix=fixes.initialise,
        points_at="initialization",
        accuses_learning=True,
        weight=6,
    ),
    # An embedding drawn for a lookup, with a spread of 1, is also the output layer: its logits begin far too wide.
    Candidate(
        "poor_initialization",
        "Outputs that start far too wide",
        requires=(
            found("early_loss", high_start=True, leapt=False),
            starts_wide,
            any_of(BAD, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            found("skill"),
            found("flatness", direction="falling"),
            clear_of("update_ratio"),
            clear_of("activation_scale"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("input_scale"),
            found("initialization"),
            found("targets"),
            found("update_ratio", level="high"),
            found("activation_scale", level=("blown", "growing")),
            found("penalty_share"),
            found("nonfinite"),
        ),
        explains=("uninformative_labels", "undertrained", "learning_rate_too_low", "insufficient_capacity"),
        test="Train 50 steps with the outputs divided by ten.",
        fix=fixes.narrow_outputs,
        points_at="early_loss",
        accuses_learning=True,
        weight=4,
    ),
    # Nothing was learned yet, and the inputs are numbers: what the weights make of them is none.
    Candidate(
        "poor_initialization",
        "The first forward pass overflows",
        requires=(found("nonfinite", place="activation", step=lambda step: step <= 1, data_known=True),),
        contradicts=(
            found("input_scale", level="large"),
            found("loss_pairing", certain=True),
            fact(settings.low_precision),
        ),
        explains=("exploding_gradients", "learning_rate_too_high", "nonfinite_inputs", "dying_relu"),
        test="Print the largest output of each layer for one batch, before the first step.",
        fix=fixes.initialise,
        points_at="nonfinite",
        certain=True,
        weight=6,
    ),
    # Not one number changes, whatever the loss does.
    Candidate(
        "disconnected_graph",
        "The loss does not reach the variables",
        requires=(found("zero_gradient", pattern="all", from_start=True), found("update_ratio", level="zero")),
        contradicts=(
            ANOTHER_FAULT,
            CLIPPED,
            found("initialization"),
            found("input_scale", level="constant"),
            found("dead_units"),
        ),
        explains=("updates_not_applied", "undertrained", "insufficient_capacity", "uninformative_labels"),
        test=settling.WITHOUT_GRADIENT,
        fix=fixes.reconnect,
        points_at="zero_gradient",
        certain=True,
        weight=6,
    ),
    Candidate(
        "disconnected_graph",
        "The loss hardly depends on the weights",
        requires=(shows("exploding_norm", elasticity=lambda e: 0 < e < DETACHED),),
        contradicts=(
            ANOTHER_FAULT,
            found("targets", level="large"),
            found("dead_units"),
            found("saturated_units"),
            found("output_diversity"),
            found("initialization"),
            found("input_scale"),
        ),
        explains=("updates_not_applied", "learning_rate_too_low", "undertrained", "optimizer_epsilon_dominates"),
        test=settling.WITHOUT_GRADIENT,
        fix=fixes.reconnect,
        points_at="exploding_norm",
        certain=True,
        weight=6,
    ),
    # Layers that run in each step, a good part of the model, and learn nothing: an unused head is smaller.
    Candidate(
        "disconnected_graph",
        "The loss does not reach a part of the model",
        requires=(found("zero_gradient", unreached=True, from_start=True, cut_share=lambda share: share >= A_PART),),
        stands_by=(found("zero_gradient", unreached=True),),
        contradicts=(ANOTHER_FAULT, found("trainable", nothing=True)),
        explains=("undertrained", "insufficient_capacity", "uninformative_labels"),
        test="Print which gradients are None right behind the backward pass.",
        fix=fixes.reconnect,
        points_at="zero_gradient",
        certain=True,
        weight=7,
    ),
    # An output's part of the loss is told and stays where it was: it was added as a number, or cut off on its way.
    Candidate(
        "disconnected_graph",
        "The loss does not reach the variables",
        requires=(
            found("zero_gradient", unreached=True, from_start=True),
            shows("term_balance", at_rest=lambda name: True),
            grown_up,
        ),
        contradicts=(ANOTHER_FAULT, found("trainable", nothing=True)),
        explains=("undertrained", "insufficient_capacity", "uninformative_labels"),
        test=settling.WITHOUT_GRADIENT,
        fix=fixes.reconnect,
        points_at="zero_gradient",
        certain=True,
        weight=7,
    ),
    # Gradients that are there and exactly 0: a sign, a rounding or an argmax stands between these layers and the rest.
    Candidate(
        "disconnected_graph",
        "An operation without a slope cuts off a part of the model",
        requires=(
            found(
                "zero_gradient",
                pattern="some",
                unreached=False,
                from_start=True,
                at_zero=False,
                zero_share=lambda share: share >= A_PART,
            ),
            any_of(BAD, found("flatness", direction="flat"), shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(clear_of("dead_units"), clear_of("initialization"), clear_of("input_scale"), found("skill")),
        contradicts=(
            ANOTHER_FAULT,
            CLIPPED,
            found("initialization"),
            found("input_scale", level="constant"),
            found("dead_units"),
            found("saturated_units"),
            found("trainable"),
            found("nonfinite"),
        ),
        explains=("undertrained", "insufficient_capacity", "uninformative_labels", "learning_rate_too_low"),
        test="Print the gradient norm of each layer right behind the backward pass.",
        fix=fixes.reconnect,
        points_at="zero_gradient",
        accuses_learning=True,
        weight=5,
    ),
    Candidate(
        "disconnected_graph",
        "The loss does not reach the variables",
        requires=(
            any_of(
                found("zero_gradient", pattern=("all", "kernels"), from_start=True),
                found("zero_gradient", unreached=True),
            ),
            any_of(
                BAD,
                found("flatness"),
                SETTLED_EARLY,
                shows("skill", skill=lambda s: s < USEFUL),
                all_of(found("zero_gradient", unreached=True), shows("skill", skill=lambda s: s < HELD_BACK)),
            ),
        ),
        supports=(found("zero_gradient", unreached=True), found("update_ratio", level="zero")),
        contradicts=(
            ANOTHER_FAULT,
            CLIPPED,
            found("initialization"),
            found("input_scale", level="constant"),
            found("dead_units"),
            found("trainable", nothing=True),
        ),
        test=settling.WITHOUT_GRADIENT,
        fix=fixes.reconnect,
        points_at="zero_gradient",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=6,
    ),
)
