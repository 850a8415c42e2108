"""Are the labels, or the order that they come in, to blame? What says nothing, is rare, or comes class by class."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.accuracy import validates_below_chance
from tb_lossdiag.diagnosis.causes.candidate import (
    ANOTHER_FAULT,
    BAD,
    BLOCKED,
    FAR_ABOVE_A_GUESS,
    HARDLY_MOVED,
    UNFINISHED,
    Candidate,
)
from tb_lossdiag.diagnosis.clues import all_of, any_of, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.reference import counts_the_frequent, weighs_examples

# How often the rare classes are predicted, in times of how often they occur: 0 … 0.17 in the zoo's sick runs, 0.4 and
# more in its healthy ones.
RARELY_NAMED = shows("output_diversity", rare_named=lambda share: share < 0.25)

# The best constant for a batch with one or two of the rare kind fits it too well: shares of all batches scored 0.22
# worse than it under a focal loss (zoo, focal, alpha turned round).
WORSE_THAN_SHARES = -0.5

# The majority of the labels.
MOST = 0.5

LABELS = (
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            ended("never_learned"),
            # Steps that are too large by themselves explain a constant guess as well.
            any_of(clear_of("update_ratio"), all_of(found("update_ratio", level="high"), fact(settings.rate_is_usual))),
            clear_of("zero_gradient"),
            unless(FAR_ABOVE_A_GUESS),
        ),
        # That nothing else was found is one argument, however many checks say so: sigmoids under a penalty, and rows in
        # the place of time, were accused by it alone (docs/first_contact.md, third round).
        supports=(
            shows("gradient_agreement", level="noise"),
            all_of(clear_of("input_scale"), clear_of("initialization")),
        ),
        contradicts=(
            shows("gradient_agreement", level="aligned"),
            found("update_ratio"),
            fact(settings.adapts_nothing),
            fact(settings.is_narrow),
            found("input_scale"),
            found("initialization"),
            found("loss_pairing"),
            found("architecture"),
            found("dead_units"),
            found("saturated_units"),
            found("depth_profile"),
            found("penalty_share"),
            found("weight_shrinkage"),
            found("sequence_axis"),
            found("clipping"),
            found("targets"),
            found("output_diversity", one_class=True),
            found("output_collapse"),
            found("latent_term"),
            found("loss_shapes"),
            found("batch_composition"),
            found("trainable"),
            found("update_count"),
            found("early_loss"),
            HARDLY_MOVED,
        ),
        test="Train on 32 rows: a model that can fit them, but not the whole set, has labels it cannot explain.",
        fix=fixes.check_pairing,
        weight=2,
    ),
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            found("generalization_gap", best_skill=lambda s: s < 0.05),
            shows("skill", skill=lambda s: s > 0.15),
        ),
        supports=(clear_of("input_scale"), clear_of("loss_pairing"), shows("gradient_agreement", level="noise")),
        contradicts=(
            found("train_eval_gap"),
            ANOTHER_FAULT,
            found("batch_composition"),
            fact(settings.has_few_rows),
        ),
        explains=("overfitting",),
        test="Shuffle the labels on purpose: if nothing gets worse, they carried nothing.",
        fix=fixes.check_pairing,
        points_at="generalization_gap",
        weight=4,
    ),
    # Learned by heart, and no use for any other row: the training loss falls a little, validation never does.
    Candidate(
        "uninformative_labels",
        "Labels that the inputs do not explain",
        requires=(
            any_of(
                shows("generalization_gap", best_skill=lambda s: s < 0.0),
                # The guess is known from samples, so near it the validation loss is compared with its own beginning.
                all_of(
                    shows("generalization_gap", improved=lambda i: i < 0.02),
                    shows("skill", level="little"),
                    fact(settings.ran_as_planned),
                ),
            ),
            shows("skill", skill=lambda s: 0.05 < s < 0.5),
            clear_of("update_ratio"),
        ),
        supports=(
            shows("gradient_agreement", level="noise"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
            clear_of("initialization"),
        ),
        contradicts=(
            found("train_eval_gap"),
            found("loss_pairing"),
            found("batch_composition"),
            found("architecture"),
            found("trainable"),
            found("penalty_share"),
            found("update_count"),
        ),
        explains=("undertrained", "overfitting", "insufficient_capacity", "noise_floor"),
        test="Shuffle the labels on purpose: if nothing gets worse, they carried nothing.",
        fix=fixes.check_pairing,
        accuses_learning=True,
        weight=3,
    ),
    Candidate(
        "unshuffled_data",
        "Batches are not shuffled",
        requires=(
            found("batch_composition", level="sorted"),
            any_of(BAD, shows("skill", skill=lambda s: s < 0.9), found("generalization_gap")),
        ),
        supports=(
            found("skill"),
            shows("gradient_agreement", level="aligned"),
            found("oscillation"),
            found("loss_spikes"),
            found("train_eval_gap"),
            found("generalization_gap"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=(
            "learning_rate_too_high",
            "overfitting",
            "uninformative_labels",
            "train_eval_mismatch",
            "class_imbalance",
            "dying_relu",
            "undertrained",
            "insufficient_capacity",
            "noise_floor",
            "unsuitable_optimizer",
        ),
        test="Shuffle rows and labels together once before training.",
        fix=fixes.shuffle,
        points_at="batch_composition",
        accuses_learning=True,
        good_enough=0.9,
        weight=6,
    ),
    # The end of data that stand in order of their classes, cut off for validation.
    Candidate(
        "unshuffled_data",
        "Classes that only the validation data have",
        requires=(shows("targets", absent=lambda classes: classes > 0), fact(validates_below_chance)),
        supports=(found("generalization_gap"), found("train_eval_gap"), found("batch_composition", level="sorted")),
        contradicts=(ANOTHER_FAULT,),
        explains=("overfitting", "uninformative_labels", "train_eval_mismatch", "class_imbalance"),
        test="Compare np.unique of the labels that are trained on with those of the validation data.",
        fix=fixes.shuffle,
        points_at="targets",
        certain=True,
        weight=7,
    ),
    Candidate(
        "class_imbalance",
        "One class drowns the others",
        requires=(
            found("targets", level="imbalanced"),
            # A class that is drowned leaves the others' share as the answer, which is a constant guess.
            unless(shows("skill", skill=lambda s: s < WORSE_THAN_SHARES)),
            any_of(
                BAD,
                # The loss may look good while hardly an example is ever given to the rare class.
                all_of(
                    any_of(RARELY_NAMED, shows("skill", skill=lambda s: s < UNFINISHED)),
                    fact(settings.ran_as_planned),
                ),
            ),
        ),
        supports=(
            RARELY_NAMED,
            found("skill"),
            found("metric_fit", fault="accuracy_on_imbalance"),
            clear_of("input_scale"),
            clear_of("initialization"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("update_ratio", level=("low", "zero", "high")),
            # One answer for all inputs needs few units: half of them fell silent over 5 % of positives.
            shows("dead_units", share=lambda share: share > BLOCKED),
            found("zero_gradient"),
            found("input_scale", level=("large", "constant")),
            found("initialization"),
            fact(weighs_examples),
        ),
        explains=(
            "undertrained",
            "insufficient_capacity",
            "uninformative_labels",
            "unsuitable_optimizer",
            "noise_floor",
        ),
        test="Give the rare class its weight back in the loss and compare recall.",
        fix=fixes.weigh_classes,
        points_at="targets",
        accuses_learning=True,
        good_enough=0.9,
        weight=3,
    ),
    # The frequent class is what the weights ask for, so one answer for all is nearly the best.
    Candidate(
        "class_imbalance",
        "Class weights favour the frequent class",
        requires=(
            found("output_diversity", one_class=True, label_majority=lambda share: share > MOST),
            fact(counts_the_frequent),
            any_of(BAD, ended("inconclusive"), shows("skill", skill=lambda s: s < UNFINISHED)),
        ),
        contradicts=(ANOTHER_FAULT, found("update_ratio", level=("low", "zero")), found("zero_gradient")),
        explains=("undertrained", "insufficient_capacity", "uninformative_labels", "noise_floor"),
        test="Give each class the weight of one divided by its share, and compare recall.",
        fix=fixes.weigh_classes,
        points_at="output_diversity",
        accuses_learning=True,
        weight=5,
    ),
    # Heat maps and their like: zeros alone are nearly right, and what stands out of them counts for next to nothing.
    Candidate(
        "class_imbalance",
        "Nearly all of a target is 0",
        requires=(
            found("targets", level="sparse"),
            ended("never_learned"),
            unless(FAR_ABOVE_A_GUESS),
        ),
        supports=(
            found("skill"),
            found("flatness", direction="flat"),
            clear_of("input_scale"),
            clear_of("initialization"),
        ),
        contradicts=(
            ANOTHER_FAULT,
            found("update_ratio", level=("low", "zero", "high")),
            found("zero_gradient"),
            found("input_scale"),
            found("initialization"),
            found("architecture"),
            shows("dead_units", share=lambda share: share > BLOCKED),
        ),
        explains=(
            "undertrained",
            "insufficient_capacity",
            "uninformative_labels",
            "unsuitable_optimizer",
            "noise_floor",
        ),
        test="Multiply the error where targets are above 0 by ten, and train 50 steps.",
        fix=fixes.weigh_foreground,
        points_at="targets",
        weight=4,
    ),
)
