"""Is the way through the layers to blame? Gradients and activations that fade, explode or stick."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.causes import settling
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BLOCKED,
    HELD_BACK,
    NOT_LEARNING,
    SETTLED_EARLY,
    USEFUL,
    Candidate,
)
from tb_lossdiag.diagnosis.clues import Findings, any_of, before, clear_of, ended, fact, found, shows
from tb_lossdiag.diagnosis.outcome import FAILED
from tb_lossdiag.diagnosis.report import Evidence

# Beyond this many decades depth itself is the fault: measured -3.6 behind six sigmoids, -5.3 behind eight.
DEEP = 4.5


def unannounced(f: Findings) -> tuple[Evidence, ...] | None:
    if not f.checks["nonfinite"].sign("sudden"):
        return None
    return (Evidence("Neither the loss nor the gradients had grown before: nothing has overflowed."),)


SIGNAL = (
    Candidate(
        "exploding_gradients",
        "Exploding gradients",
        requires=(found("exploding_norm"), ended(*FAILED, "slow", "stalled")),
        supports=(
            fact(settings.recurs),
            fact(settings.clips_nothing),
            before("exploding_norm", "nonfinite"),
            found("nonfinite"),
            fact(settings.rate_is_usual),
        ),
        contradicts=(ANOTHER_FAULT, fact(settings.rate_is_unusual)),
        explains=(
            "learning_rate_too_high",
            "uninformative_labels",
            "saturated_activations",
            "learning_rate_too_low",
            "dying_relu",
            "insufficient_capacity",
        ),
        test="Train 50 steps with the gradient norm clipped to 1.",
        fix=fixes.clip,
        points_at="exploding_norm",
        weight=4,
    ),
    Candidate(
        "vanishing_gradients",
        "Vanishing gradients",
        requires=(found("depth_profile", direction="vanishing"), NOT_LEARNING),
        supports=(found("architecture", fault="deep_saturating"), fact(settings.hides_sigmoids), found("skill")),
        contradicts=(found("dead_units", at_start=False), ANOTHER_FAULT),
        explains=(
            "learning_rate_too_low",
            "insufficient_capacity",
            "undertrained",
            "hidden_activation_unsuitable",
            "unsuitable_optimizer",
        ),
        test="Swap the hidden activations for ReLU with He initialisation and train 50 steps.",
        fix=fixes.shorten_gradient_path,
        points_at="depth_profile",
        weight=5,
    ),
    # Inside a recurrent layer nothing is recorded step by step; its activation says what every step passes on.
    Candidate(
        "vanishing_gradients",
        "Vanishing gradients through time",
        requires=(
            fact(settings.recurs_through_sigmoids),
            NOT_LEARNING,
            any_of(found("skill"), shows("skill", level="little")),
        ),
        supports=(clear_of("update_ratio"), clear_of("input_scale"), clear_of("loss_pairing")),
        contradicts=(ANOTHER_FAULT, found("update_ratio", level="high"), found("input_scale")),
        explains=(
            "uninformative_labels",
            "learning_rate_too_low",
            "insufficient_capacity",
            "undertrained",
            "hidden_activation_unsuitable",
            "unsuitable_optimizer",
        ),
        test="Swap the layer for a GRU and train 50 steps.",
        fix=fixes.shorten_gradient_path,
        weight=4,
    ),
    # A forward pass that blows up before anything was learned blows up on its way back as well.
    Candidate(
        "exploding_gradients",
        "Signal and gradient explode on the way",
        requires=(
            found("early_loss", high_start=True),
            any_of(found("activation_scale", level=("blown", "growing")), found("exploding_norm")),
            any_of(ended(*FAILED, "slow", "stalled"), shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            fact(settings.recurs),
            found("activation_scale", level=("blown", "growing")),
            found("exploding_norm"),
            found("nonfinite"),
            fact(settings.rate_is_usual),
        ),
        contradicts=(
            found("input_scale"),
            found("initialization"),
            found("targets", level="large"),
            ANOTHER_FAULT,
            found("penalty_share"),
        ),
        explains=(
            "learning_rate_too_high",
            "uninformative_labels",
            "saturated_activations",
            "learning_rate_too_low",
            "dying_relu",
            "insufficient_capacity",
            "undertrained",
        ),
        test="Normalise behind each block and train 50 steps.",
        fix=fixes.clip,
        points_at="activation_scale",
        accuses_learning=True,
        weight=4,
    ),
    # The root or the logarithm of 0, a quotient of nothings: what is put in is finite, and so was all that came before.
    Candidate(
        "exploding_gradients",
        "An operation without a finite value or derivative",
        requires=(found("nonfinite", place=("loss", "gradient")), unannounced, ended("nonfinite")),
        contradicts=(
            ANOTHER_FAULT,
            fact(settings.rate_is_unusual),
            fact(settings.low_precision),
            found("input_scale", level="large"),
            found("targets"),
            found("initialization"),
            found("activation_scale", level=("blown", "growing")),
            found("exploding_norm"),
            found("loss_bound"),
        ),
        explains=(
            "learning_rate_too_high",
            "dying_relu",
            "saturated_loss",
            "learning_rate_too_low",
            "undertrained",
            "disconnected_graph",
        ),
        test=settling.FIRST_OPERATION,
        fix=fixes.keep_finite,
        points_at="nonfinite",
        weight=5,
    ),
    Candidate(
        "dying_relu",
        "Dying ReLU",
        requires=(
            found("dead_units"),
            NOT_LEARNING,
            any_of(
                found("zero_gradient"),
                found("output_diversity", alike=True),
                shows("dead_units", share=lambda share: share > BLOCKED),
            ),
        ),
        supports=(
            fact(settings.has_narrow_relu),
            clear_of("update_ratio"),
            found("zero_gradient"),
            shows("dead_units", at_start=False),
            found("output_diversity"),
        ),
        contradicts=(
            found("update_ratio", level="high"),
            found("initialization", fault="bias"),
            found("input_scale", level=("large", "constant")),
        ),
        explains=(
            "disconnected_graph",
            "learning_rate_too_low",
            "insufficient_capacity",
            "vanishing_gradients",
            "undertrained",
        ),
        test="Swap ReLU for leaky ReLU and train 50 steps.",
        fix=fixes.leak,
        points_at="dead_units",
        weight=3,
    ),
    Candidate(
        "saturated_activations",
        "Saturated activations",
        requires=(
            found("saturated_units"),
            any_of(
                NOT_LEARNING,
                shows("skill", skill=lambda s: s < USEFUL),
                # Nearly all at the ends at the first step, and still most; no healthy run of the zoo was.
                found("saturated_units", start=lambda share: share > BLOCKED),
            ),
        ),
        supports=(
            shows("saturated_units", at_start=True),
            shows("saturated_units", start=lambda share: share > BLOCKED),
            shows("saturated_units", share=lambda share: share > BLOCKED),
            found("activation_scale", level="blown"),
            found("skill"),
            found("depth_profile"),
        ),
        contradicts=(found("input_scale", level="large"), found("initialization", fault=("large_scale", "bias"))),
        explains=("learning_rate_too_low", "insufficient_capacity", "undertrained"),
        test="Normalise in front of the layer and train 50 steps.",
        accuses_learning=True,
        good_enough=0.95,
        fix=fixes.desaturate,
        points_at="saturated_units",
        weight=3,
    ),
    # Where the steps arrive all the same, or little is lost on the way, the fading gradient is the activation's mark.
    Candidate(
        "hidden_activation_unsuitable",
        "Hidden activation unsuitable",
        requires=(
            fact(settings.hides_sigmoids),
            NOT_LEARNING,
            any_of(found("skill"), shows("skill", level="little")),
            found("depth_profile", direction="vanishing"),
            any_of(fact(settings.adapts), found("depth_profile", early=lambda decades: decades > -DEEP)),
        ),
        supports=(
            found("architecture", fault="deep_saturating"),
            clear_of("input_scale"),
            clear_of("initialization"),
        ),
        contradicts=(ANOTHER_FAULT, found("input_scale", level="large")),
        explains=(
            "vanishing_gradients",
            "learning_rate_too_low",
            "insufficient_capacity",
            "undertrained",
            "unsuitable_optimizer",
        ),
        test="Swap the hidden activations for ReLU and train 50 steps.",
        fix=fixes.swap_activation,
        points_at="depth_profile",
        weight=6,
    ),
    Candidate(
        "hidden_activation_unsuitable",
        "Hidden activation unsuitable",
        requires=(fact(settings.hides_sigmoids), NOT_LEARNING, any_of(found("skill"), shows("skill", level="little"))),
        supports=(found("depth_profile"), clear_of("input_scale"), clear_of("initialization")),
        # Weights that are gone pass nothing on, whatever stands between them.
        contradicts=(ANOTHER_FAULT, found("input_scale", level="large"), found("weight_shrinkage")),
        explains=("learning_rate_too_low", "insufficient_capacity", "undertrained", "unsuitable_optimizer"),
        test="Swap the hidden activations for ReLU and train 50 steps.",
        fix=fixes.swap_activation,
        weight=2,
    ),
    Candidate(
        "hidden_activation_unsuitable",
        "No activation between the layers",
        requires=(
            found("architecture", fault="linear_stack"),
            any_of(NOT_LEARNING, SETTLED_EARLY, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(clear_of("update_ratio"), clear_of("input_scale")),
        contradicts=(found("update_ratio", level="high"), ANOTHER_FAULT),
        explains=("undertrained", "insufficient_capacity", "noise_floor"),
        test="Add ReLU to the hidden layers and train 50 steps.",
        fix=fixes.swap_activation,
        points_at="architecture",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=2,
    ),
)
