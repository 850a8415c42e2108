"""Is the loss itself to blame? Parts that drown each other, codes and embeddings that collapse, values without end."""

from tb_lossdiag.diagnosis import fixes, loop, settings
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    BLOCKED,
    FAR_ABOVE_A_GUESS,
    HARDLY_MOVED,
    HELD_BACK,
    NOT_LEARNING,
    USEFUL,
    Candidate,
    grown_up,
)
from tb_lossdiag.diagnosis.causes.wiring import HELD
from tb_lossdiag.diagnosis.clues import all_of, any_of, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.drawn_together import are_one_point
from tb_lossdiag.diagnosis.standing import LITTLE, NONE, WORSE

# A rate that was set to a hundred thousandth, or inputs this many times off, are not a matter of degree.
FAR_OFF = 50.0
# Of its start: a loss that came down from above to what a guess scores.
FELL = 0.2
# A loss that the labels say nothing to stays where it began, but for what rows learned by heart take off.
UNMOVED = 0.1
# What keeps a model from its labels, whatever they say.
KEPT_FROM_THEM = (
    HARDLY_MOVED,
    fact(settings.adapts_nothing),
    found("input_scale"),
    found("initialization"),
    found("loss_pairing"),
    found("loss_shapes"),
    found("architecture"),
    found("dead_units"),
    found("saturated_units"),
    found("depth_profile"),
    found("penalty_share"),
    found("clipping"),
    found("targets"),
    found("batch_composition"),
    found("trainable"),
)
NOT_THE_LABELS = (*KEPT_FROM_THEM, found("optimizer_coverage"), found("term_balance"))

BALANCE = (
    Candidate(
        "unbounded_loss",
        "A loss without a least value",
        requires=(found("loss_bound"),),
        explains=(
            *HELD,
            "learning_rate_too_high",
            "exploding_gradients",
            "unscaled_targets",
            "overfitting",
            "saturated_loss",
            "saturated_activations",
            "class_imbalance",
        ),
        test="Compute the loss by hand for a perfect answer: it should be the least one.",
        fix=fixes.bound_the_loss,
        points_at="loss_bound",
        certain=True,
        weight=7,
    ),
    Candidate(
        "unbounded_loss",
        "The loss falls below 0 as fast as ever",
        requires=(shows("loss_bound", level="steady"), ended("learning", "inconclusive")),
        supports=(fact(settings.ran_as_planned), clear_of("update_ratio")),
        test="Compute the loss by hand for a perfect answer: it should be the least one.",
        fix=fixes.bound_the_loss,
        points_at="loss_bound",
    ),
    # One output learned nothing, and its part of the loss is lost beside another.
    Candidate(
        "unbalanced_loss_terms",
        "One part of the loss drowns another",
        requires=(found("term_balance", at_chance=True), grown_up),
        explains=(*HELD, "unscaled_targets", "class_imbalance"),
        test="Train on the small part alone: if it is learned then, it was drowned.",
        fix=fixes.balance_terms,
        points_at="term_balance",
        certain=True,
        weight=6,
    ),
    # Weighted to nothing, and never learned: it might as well not be there, however far the sum comes down.
    Candidate(
        "unbalanced_loss_terms",
        "One part of the loss counts for nothing",
        requires=(found("term_balance", at_chance=False, weighed_down=True), grown_up),
        explains=HELD,
        test="Train on the small part alone: if it is learned then, it was drowned.",
        fix=fixes.balance_terms,
        points_at="term_balance",
        certain=True,
        weight=6,
    ),
    Candidate(
        "unbalanced_loss_terms",
        "One part of the loss drowns another",
        requires=(
            found("term_balance", level="drowned", at_chance=False),
            any_of(BAD, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            found("flatness", direction="flat"),
            found("skill"),
            clear_of("input_scale"),
            clear_of("update_ratio"),
            found("term_balance", ratio=lambda r: r > 1000),
        ),
        contradicts=(found("loss_pairing", certain=True), found("targets", level=("constant", "out_of_range"))),
        explains=HELD,
        test="Train on the small part alone: if it is learned then, it was drowned.",
        fix=fixes.balance_terms,
        points_at="term_balance",
        accuses_learning=True,
        weight=4,
    ),
    Candidate(
        "unbalanced_loss_terms",
        "What is added to the loss took over",
        requires=(found("term_balance", level="won"), any_of(BAD, shows("skill", level="none")), grown_up),
        supports=(
            found("skill"),
            found("flatness", direction="flat"),
            clear_of("input_scale"),
            clear_of("initialization"),
        ),
        contradicts=(ANOTHER_FAULT, found("targets", level=("constant", "out_of_range")), found("zero_gradient")),
        explains=(*HELD, "learning_rate_too_high", "uninformative_labels"),
        test="Train without what is added: if the loss comes down then, that was too heavy.",
        fix=fixes.balance_terms,
        points_at="term_balance",
        weight=5,
    ),
    # A sum of squared weights, or of their sizes, that the user's own loss adds under no name.
    Candidate(
        "penalty_dominates",
        "A penalty in the loss took the weights",
        requires=(
            found("term_balance", level="won"),
            found("weight_shrinkage"),
            any_of(BAD, shows("skill", level="none")),
            grown_up,
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=(*HELD, "unbalanced_loss_terms", "learning_rate_too_high", "uninformative_labels"),
        test="Train without the penalty: if the loss comes down then, it was too heavy.",
        fix=fixes.balance_terms,
        points_at="weight_shrinkage",
        weight=6,
    ),
    Candidate(
        "posterior_collapse",
        "The code carries nothing",
        requires=(found("latent_term"), grown_up),
        explains=(
            *HELD,
            "penalty_dominates",
            "unbalanced_loss_terms",
            "constant_inputs",
            "dying_relu",
            "saturated_activations",
            "vanishing_gradients",
        ),
        test="Train 50 steps with the divergence's weight at 0: the reconstruction should come to differ by example.",
        fix=fixes.keep_the_code,
        points_at="latent_term",
        certain=True,
        weight=7,
    ),
    Candidate(
        "representation_collapse",
        "All embeddings are one point",
        requires=(
            found("output_collapse", kind="embeddings", one_point=True),
            grown_up,
            any_of(found("flatness", direction="flat"), ended("never_learned", "stalled", "slow", "diverging")),
        ),
        supports=(
            found("output_collapse", blind=True),
            found("flatness", direction="flat"),
            found("skill"),
            clear_of("input_scale"),
            clear_of("initialization"),
        ),
        contradicts=(found("update_ratio", level="high"), found("loss_pairing", certain=True)),
        explains=(*HELD, "constant_inputs", "dying_relu", "vanishing_gradients"),
        test="Normalise the embeddings to length 1, lower the learning rate tenfold and train 50 steps.",
        fix=fixes.spread_embeddings,
        points_at="output_collapse",
        accuses_learning=True,
        weight=6,
    ),
    # Pairs that are alike, views of one picture: all that is asked is to be near, and one point is nearest.
    Candidate(
        "representation_collapse",
        "Embeddings are drawn together, and nothing keeps them apart",
        requires=(found("output_collapse", power=lambda p: p > 0), grown_up),
        # What came in far too large comes down first, whatever else is asked.
        contradicts=(found("loss_pairing", certain=True), found("input_scale", level="large")),
        explains=(*HELD, "constant_inputs", "dying_relu", "vanishing_gradients", "class_imbalance"),
        test="Print the distance of two examples that are not alike: it should not come down with the loss.",
        fix=fixes.push_apart,
        points_at="output_collapse",
        certain=True,
        weight=6,
    ),
    # Two views of one example, and no detach on either side: the least loss is one point for all.
    Candidate(
        "representation_collapse",
        "Views are only drawn together",
        requires=(fact(are_one_point),),
        explains=(*HELD, "uninformative_labels", "constant_inputs", "dying_relu", "vanishing_gradients"),
        test="Print the cosine of two examples that are not alike: it should stay below 1.",
        fix=fixes.push_apart,
        certain=True,
        weight=7,
    ),
    # A loop does not say what its loss is called: outputs that are one point and no class or number may be embeddings.
    Candidate(
        "representation_collapse",
        "All embeddings are one point",
        requires=(
            found("output_collapse", kind="unknown", one_point=True),
            grown_up,
            found("flatness", direction="flat"),
            fact(loop.ends_linear),
        ),
        supports=(found("output_collapse", blind=True), clear_of("update_ratio"), clear_of("input_scale")),
        contradicts=(
            found("update_ratio", level=("high", "zero")),
            found("loss_pairing"),
            found("initialization"),
            found("zero_gradient", from_start=True),
        ),
        test="Normalise the embeddings to length 1, lower the learning rate tenfold and train 50 steps.",
        fix=fixes.spread_embeddings,
        points_at="output_collapse",
        weight=2,
    ),
    # What the outputs say of their own example is nothing, by the user's own loss.
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            any_of(
                all_of(ended("never_learned"), shows("skill", level="none", shuffled=lambda s: s < LITTLE)),
                # A few are learned by heart; the plan is over, and the loss goes nowhere.
                all_of(
                    ended("slow"),
                    shows("skill", skill=lambda s: WORSE < s < LITTLE, shuffled=lambda s: s < LITTLE),
                    shows("flatness", direction=("flat", "unclear")),
                    fact(settings.ran_as_planned),
                ),
                # It came down to what a guess scores, and still moves a little there.
                all_of(
                    ended("slow"),
                    shows("skill", level="none", skill=lambda s: s > WORSE, shuffled=lambda s: s < NONE),
                    shows("flatness", fallen=lambda f: f > FELL),
                ),
            ),
            unless(FAR_ABOVE_A_GUESS),
            clear_of("update_ratio"),
            clear_of("zero_gradient"),
            # Outputs that differ by example, and none of it is of use.
            clear_of("output_diversity"),
        ),
        supports=(
            shows("gradient_agreement", level="noise"),
            all_of(clear_of("input_scale"), clear_of("initialization")),
        ),
        contradicts=(
            shows("gradient_agreement", level="aligned"),
            all_of(ended("slow"), shows("flatness", direction="falling")),
            *KEPT_FROM_THEM,
            fact(settings.is_narrow),
            found("weight_shrinkage"),
            found("sequence_axis"),
            found("update_count"),
        ),
        test="Train on 32 rows: a model that can fit them, but not the whole set, has labels it cannot explain.",
        fix=fixes.check_pairing,
        weight=2,
    ),
    # Hardly better than a guess, and what it gains is gained by rows that come again.
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            ended("slow", "stalled"),
            shows("skill", skill=lambda s: WORSE < s < LITTLE),
            found("epoch_course"),
            clear_of("update_ratio"),
        ),
        supports=(clear_of("input_scale"), clear_of("initialization"), clear_of("loss_pairing"), clear_of("targets")),
        contradicts=(found("train_eval_gap"), fact(settings.looks_up), *NOT_THE_LABELS),
        explains=("undertrained", "overfitting", "insufficient_capacity", "noise_floor"),
        test="Shuffle the labels on purpose: if nothing gets worse, they carried nothing.",
        fix=fixes.check_pairing,
        points_at="epoch_course",
        weight=3,
    ),
    # One output learns nothing, though its part of the loss has its weight and the layers it shares with others learn.
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            shows("skill", behind=lambda name: True, level="none", skill=lambda s: s > WORSE),
            shows("skill", shuffled=lambda s: s < LITTLE),
            clear_of("term_balance"),
            clear_of("update_ratio"),
            clear_of("zero_gradient"),
            grown_up,
        ),
        supports=(clear_of("input_scale"), clear_of("initialization"), clear_of("loss_pairing"), clear_of("targets")),
        contradicts=NOT_THE_LABELS,
        test="Train that output alone on 32 rows: what fits them, but not the whole set, has labels it cannot explain.",
        fix=fixes.check_pairing,
        weight=2,
    ),
    # Nothing else is wrong, and the loss never moved. What the outputs are worth was not measured, so this is a guess.
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            ended("never_learned", "stalled"),
            fact(loop.hides_its_loss),
            shows("flatness", direction="flat", fallen=lambda f: f < UNMOVED),
            clear_of("update_ratio"),
            clear_of("zero_gradient"),
            clear_of("output_diversity"),
            grown_up,
        ),
        contradicts=(fact(loop.hides_its_loss), *NOT_THE_LABELS),
        test="Train on 32 rows: a model that can fit them, but not the whole set, has labels it cannot explain.",
        fix=fixes.check_pairing,
        weight=1,
    ),
    *(
        Candidate(
            "learning_rate_zero",
            "The learning rate was taken to nothing",
            requires=(
                *told,
                any_of(BAD, shows("skill", skill=lambda s: s < 0.9), found("flatness", direction="flat")),
            ),
            supports=(
                found("schedule", fault=("zero", "nothing")),
                found("update_ratio", level=("zero", "stopped", "low")),
                found("flatness", direction="flat"),
                clear_of("zero_gradient"),
            ),
            contradicts=(
                found("update_ratio", level="high"),
                found("loss_pairing", certain=True),
                shows("skill", skill=lambda s: s >= 0.9),
            ),
            explains=(*HELD, "updates_not_applied"),
            test="Train the rest with a constant learning rate.",
            fix=fix,
            points_at="schedule",
            accuses_learning=True,
            good_enough=0.9,
            weight=weight,
        )
        for told, fix, weight in (
            # Who took it there is known, so the fix changes that one's argument.
            (
                (found("schedule", fault=("zero", "ended_early", "nothing")), fact(loop.rate_setter)),
                fixes.hold_the_rate,
                7,
            ),
            ((found("schedule", fault="nothing"),), fixes.set_learning_rate, 6),
        )
    ),
    # Inputs so large that the first squashing layer said only yes and no from the first step to the last.
    Candidate(
        "unnormalized_inputs",
        "Inputs are not normalised",
        requires=(
            found("input_scale", level="large", size=lambda s: s > FAR_OFF),
            found("saturated_units", start=lambda s: s > BLOCKED, share=lambda s: s > BLOCKED),
            unless(shows("skill", skill=lambda s: s >= HELD_BACK)),
        ),
        explains=(*HELD, "saturated_activations", "vanishing_gradients", "hidden_activation_unsuitable"),
        test="Standardise the inputs and train 50 steps.",
        fix=fixes.normalise,
        points_at="input_scale",
        certain=True,
        weight=5,
    ),
    Candidate(
        "low_precision",
        "Steps are thrown away in low precision",
        requires=(found("loss_scale", level="floor"),),
        explains=(*HELD, "exploding_gradients", "updates_not_applied", "learning_rate_too_high", "dying_relu"),
        test="Train the same in float32.",
        fix=fixes.raise_precision,
        points_at="loss_scale",
        certain=True,
        weight=6,
    ),
    Candidate(
        "unnormalized_inputs",
        "Inputs unlike those that the frozen layers were trained on",
        requires=(
            found("frozen_statistics"),
            any_of(NOT_LEARNING, shows("skill", skill=lambda s: s < HELD_BACK)),
        ),
        supports=(
            found("frozen_statistics", size=lambda s: s > FAR_OFF),
            found("skill"),
            found("input_scale"),
            found("flatness", direction="flat"),
            clear_of("loss_pairing"),
        ),
        contradicts=(found("loss_pairing", certain=True), found("initialization")),
        explains=(*HELD, "frozen_layers", "learning_rate_too_high", "dying_relu", "saturated_activations"),
        test="Prepare the inputs as those of the pretrained layers were, and train 50 steps.",
        fix=fixes.prepare_as_pretrained,
        points_at="frozen_statistics",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=6,
    ),
)
