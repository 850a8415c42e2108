"""Is the step the wrong size? Learning rates that are zero, too high, too low, and trainings that stop too early."""

from tb_lossdiag.diagnosis import fixes, loop, settings
from tb_lossdiag.diagnosis.causes import settling
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    CUT_OFF,
    EARLY_DAMAGE,
    HARDLY_MOVED,
    HELD_BACK,
    LARGE_LATE_STEPS,
    UNFINISHED,
    USEFUL,
    Candidate,
)
from tb_lossdiag.diagnosis.clues import all_of, any_of, before, clear_of, ended, fact, found, shows
from tb_lossdiag.diagnosis.players import is_spent
from tb_lossdiag.diagnosis.standing import LITTLE
from tb_lossdiag.diagnosis.stopping import stopped_by_min_delta, stopped_by_wrong_mode

# A tenth of the loss gone over the last half is a pace that more epochs would go on with.
STEEP = -0.1
# What more epochs would improve shows in the validation loss too; this one never beat a constant guess.
UNSEEN_BY_VALIDATION = 0.0
# So few updates have hardly arrived anywhere, even half-way.
HASTY = 40

# Of the weights' size, by one step: a transformer under Adam at 0.01 had 0.32, and its outputs spread by 0.36 of their
# size at first and 2e-6 at the end (docs/first_contact.md, sixth round).
BROKE, TOLD_APART = 0.1, 0.01

RATE = (
    Candidate(
        "learning_rate_zero",
        "Learning rate is zero",
        requires=(found("update_ratio", level=("zero", "stopped")), fact(settings.rate_is_zero)),
        stands_by=(fact(settings.rate_is_zero),),
        explains=("*",),
        test=settling.PRINT_RATE,
        fix=fixes.set_learning_rate,
        certain=True,
        weight=7,
    ),
    Candidate(
        "learning_rate_zero",
        "The learning rate ran out",
        requires=(
            found("schedule", fault=("zero", "ended_early")),
            any_of(BAD, shows("skill", skill=lambda s: s < 0.9)),
            any_of(found("update_ratio", level=("zero", "stopped", "low")), found("flatness")),
        ),
        supports=(
            found("update_ratio", level=("zero", "stopped", "low")),
            found("flatness", direction="flat"),
            clear_of("zero_gradient"),
            shows("gradient_agreement", level="aligned"),
        ),
        contradicts=(
            found("update_ratio", level="high"),
            ANOTHER_FAULT,
            found("dead_units"),
            found("zero_gradient"),
        ),
        explains=(
            "learning_rate_too_low",
            "undertrained",
            "insufficient_capacity",
            "noise_floor",
            "updates_not_applied",
        ),
        test="Train the rest with a constant learning rate.",
        fix=fixes.set_learning_rate,
        points_at="schedule",
        accuses_learning=True,
        good_enough=0.9,
        weight=6,
    ),
    # Told to wait for a loss that rises, it takes one that falls for a plateau.
    Candidate(
        "learning_rate_zero",
        "The learning rate was taken to nothing while the loss fell",
        requires=(
            found("schedule", fault="wrong_way"),
            any_of(ended("never_learned"), shows("skill", skill=lambda s: s < LITTLE)),
        ),
        supports=(found("update_ratio", level=("zero", "stopped", "low")), found("flatness", direction="flat")),
        contradicts=(found("update_ratio", level="high"),),
        explains=(
            "learning_rate_too_low",
            "undertrained",
            "insufficient_capacity",
            "updates_not_applied",
            "low_precision",
        ),
        test="Train as long at the first learning rate.",
        fix=fixes.watch_the_right_way,
        points_at="schedule",
        certain=True,
        accuses_learning=True,
        weight=7,
    ),
    Candidate(
        "learning_rate_too_high",
        "Learning rate too high",
        requires=(
            any_of(found("update_ratio", level="high"), fact(settings.rate_is_unusual)),
            any_of(
                BAD,
                shows("skill", skill=lambda s: s < USEFUL),
                all_of(ended("inconclusive"), found("update_ratio", level="high"), fact(settings.rate_is_unusual)),
            ),
        ),
        supports=(
            fact(settings.rate_is_unusual),
            found("early_loss", leapt=True),
            before("update_ratio", "dead_units"),
            before("update_ratio", "zero_gradient"),
            before("update_ratio", "nonfinite"),
            before("update_ratio", "output_collapse"),
            found("exploding_norm", growth=lambda g: g > 100),
            found("flatness", direction="rising"),
            found("divergence"),
            found("oscillation"),
            found("loss_spikes"),
            # One update larger than the weights themselves, or steps that stay as large as at the start.
            shows("update_ratio", leap=lambda u: u > 1),
            shows("update_ratio", late=lambda u: u > LARGE_LATE_STEPS),
        ),
        contradicts=(
            clear_of("update_ratio"),
            found("initialization", fault="large_scale"),
            found("activation_scale", level=("blown", "growing")),
            # Nothing arrives at the first layers from the first step on.
            found("depth_profile", direction="vanishing", early=lambda decades: decades < CUT_OFF),
        ),
        explains=(*EARLY_DAMAGE, "uninformative_labels"),
        stands_by=(fact(settings.rate_is_unusual),),
        test="Train 50 steps with a tenth of the learning rate.",
        fix=fixes.lower_learning_rate,
        points_at="update_ratio",
        accuses_learning=True,
        weight=4,
    ),
    # What told the inputs apart at first tells them apart no more: a few steps broke it, and nothing has moved since.
    Candidate(
        "learning_rate_too_high",
        "Early steps left one answer for all inputs",
        requires=(
            ended("never_learned"),
            shows("update_ratio", leap=lambda u: u > BROKE),
            found("output_diversity", alike=True, diversity_start=lambda d: d > TOLD_APART),
            any_of(fact(settings.rate_is_bold), fact(settings.rate_is_unusual)),
        ),
        supports=(
            found("skill"),
            clear_of("input_scale"),
            clear_of("initialization"),
            found("early_loss", leapt=True),
            shows("update_ratio", level="stopped"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("input_scale"),
            found("initialization"),
            found("weight_shrinkage"),
            found("penalty_share"),
            found("sequence_memory"),
            found("batch_composition"),
            found("targets"),
            # A policy that has found its best act gives the same answer for all.
            fact(loop.hides_its_loss),
            shows("loss_bound", end=lambda e: e < 0),
        ),
        explains=(*EARLY_DAMAGE, "uninformative_labels", "learning_rate_too_low", "constant_inputs"),
        test="Train 50 steps with a tenth of the learning rate.",
        fix=fixes.lower_learning_rate,
        points_at="update_ratio",
        weight=5,
    ),
    # One step moved the weights by more than they are, at a rate that nobody uses: what else is odd came after that.
    Candidate(
        "learning_rate_too_high",
        "Learning rate far too high",
        requires=(
            fact(settings.rate_is_unusual),
            found("update_ratio", level="high", leap=lambda u: u > 1),
            any_of(BAD, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        contradicts=(found("input_scale", level="large"), found("initialization", fault="large_scale")),
        explains=(*EARLY_DAMAGE, "uninformative_labels"),
        stands_by=(fact(settings.rate_is_unusual),),
        test="Train 50 steps with a tenth of the learning rate.",
        fix=fixes.lower_learning_rate,
        points_at="update_ratio",
        accuses_learning=True,
        weight=7,
    ),
    Candidate(
        "learning_rate_too_low",
        "Learning rate too low",
        requires=(
            found("update_ratio", level="low"),
            any_of(
                ended("never_learned", "stalled", "slow", "inconclusive"),
                all_of(shows("skill", skill=lambda s: s < UNFINISHED), fact(settings.ran_as_planned)),
            ),
        ),
        supports=(
            clear_of("zero_gradient"),
            clear_of("depth_profile"),
            found("skill"),
            shows("flatness", direction="falling"),
            shows("gradient_agreement", level="aligned"),
            fact(settings.rate_is_tiny),
        ),
        contradicts=(
            found("depth_profile"),
            found("dead_units"),
            found("saturated_units"),
            found("zero_gradient"),
            ANOTHER_FAULT,
            found("output_diversity"),
            fact(is_spent),
        ),
        explains=("undertrained", "insufficient_capacity", "unsuitable_optimizer"),
        stands_by=(fact(settings.rate_is_tiny),),
        test="Train 50 steps with ten times the learning rate.",
        fix=fixes.raise_learning_rate,
        points_at="update_ratio",
        accuses_learning=True,
        good_enough=UNFINISHED,
        weight=3,
    ),
    # No single step is too small, but all of them together came to nothing.
    Candidate(
        "learning_rate_too_low",
        "Weights that hardly moved",
        requires=(HARDLY_MOVED, ended("never_learned", "stalled", "slow"), clear_of("zero_gradient")),
        contradicts=(
            found("depth_profile"),
            found("dead_units"),
            found("saturated_units"),
            found("input_scale"),
            found("initialization"),
            ANOTHER_FAULT,
        ),
        explains=("undertrained", "insufficient_capacity", "unsuitable_optimizer", "uninformative_labels"),
        stands_by=(fact(settings.rate_is_tiny),),
        test="Train 50 steps with ten times the learning rate.",
        fix=fixes.raise_learning_rate,
        points_at="update_ratio",
        weight=3,
    ),
    Candidate(
        "undertrained",
        "Stopped too early",
        requires=(
            any_of(shows("flatness", direction="falling"), found("update_count", level="few")),
            ended("slow", "learning", "inconclusive"),
            any_of(
                shows("skill", skill=lambda s: s < UNFINISHED),
                found("update_count", level="few", updates=lambda n: n <= HASTY),
            ),
            shows("skill", skill=lambda s: s < HELD_BACK),
            fact(settings.ran_as_planned),
        ),
        supports=(
            clear_of("update_ratio"),
            shows("gradient_agreement", level="aligned"),
            found("update_count", level="few"),
            shows("flatness", change=lambda c: c < STEEP),
        ),
        contradicts=(
            ANOTHER_FAULT,
            shows("gradient_agreement", level="noise"),
            shows("generalization_gap", best_skill=lambda s: s < UNSEEN_BY_VALIDATION),
            found("architecture", fault=("dropout", "dropout_of_output", "noise")),
            fact(settings.is_bottleneck),
            found("epoch_course"),
        ),
        test="Train as many epochs again.",
        fix=fixes.train_longer,
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=1,
    ),
    Candidate(
        "undertrained",
        "Stopped too early",
        requires=(
            shows("flatness", direction="falling"),
            ended("slow", "learning"),
            shows("skill", skill=lambda s: s < 0.5),
        ),
        supports=(clear_of("update_ratio"),),
        contradicts=(ANOTHER_FAULT, found("epoch_course")),
        test="Train as many epochs again.",
        fix=fixes.train_longer,
        weight=1,
    ),
    Candidate(
        "undertrained",
        "Early stopping counted gains as none",
        requires=(fact(stopped_by_wrong_mode),),
        explains=("learning_rate_too_low", "insufficient_capacity", "unsuitable_optimizer"),
        test="Train once for all the planned epochs.",
        fix=fixes.stop_later,
        certain=True,
        weight=4,
    ),
    Candidate(
        "undertrained",
        "Early stopping demanded too much",
        requires=(
            fact(stopped_by_min_delta),
            any_of(
                ended("never_learned", "stalled", "slow", "inconclusive"), shows("skill", skill=lambda s: s < HELD_BACK)
            ),
        ),
        supports=(clear_of("update_ratio"), shows("flatness", direction="falling")),
        contradicts=(ANOTHER_FAULT,),
        explains=("insufficient_capacity", "unsuitable_optimizer"),
        test="Train once for all the planned epochs.",
        fix=fixes.stop_later,
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=2,
    ),
)
