"""Does the size of the model fit the data? Too simple, too complex, too strongly regularised."""

from tb_lossdiag.diagnosis import fixes, settings
from tb_lossdiag.diagnosis.bonus import keeps_all_alike
from tb_lossdiag.diagnosis.causes import settling
from tb_lossdiag.diagnosis.causes.candidate import ANOTHER_FAULT, NOT_LEARNING, UNFINISHED, USEFUL, Candidate
from tb_lossdiag.diagnosis.causes.wiring import HELD
from tb_lossdiag.diagnosis.clues import all_of, any_of, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.repeats import one_batch
from tb_lossdiag.diagnosis.silenced import is_silenced

# Above this a model of one or two units may be all that the data need, as in an autoencoder.
WELL_FITTED = 0.65

# Of the way from a constant guess to perfect, given back since the best epoch; healthy zoo runs up to 0.06.
LOST = 0.07

# Of a kernel's first norm. Only what pulls at the weights themselves takes them this far: what data ask for leaves them
# within a tenth to ten times (a penalty of 1 on squares in a loop of torch: 1.2e-5; the zoo's others: 0.3 and more).
GONE = 0.01
# Nothing but a penalty, or a decay, takes half of the kernels that far (a penalty of 1 in a loop: 2e-6).
TAKEN = 1e-3
# Decades by which the first layer's gradient is smaller than the last one's, at the start: 4.3 behind sixteen rounds of
# averaging over neighbours (docs/first_contact.md, eighth round).
FADED = -4.0

# Of the first losses: nothing but a penalty that is far too heavy makes it so, before anything was learned.
OUTWEIGHED = 0.9

FIT = (
    Candidate(
        "insufficient_capacity",
        "Model too simple",
        requires=(
            fact(settings.is_bottleneck),
            any_of(
                ended("stalled", "never_learned", "slow"),
                # Still falling a little, but the examples no longer agree on where to.
                shows("gradient_agreement", level="noise"),
                # The plan is over, and a wider model would have been told to go on.
                all_of(shows("skill", skill=lambda s: s < UNFINISHED), fact(settings.ran_as_planned)),
            ),
            shows("skill", skill=lambda s: s < WELL_FITTED),
        ),
        supports=(
            clear_of("update_ratio"),
            clear_of("dead_units"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
            shows("skill", level="some"),
        ),
        contradicts=(found("zero_gradient"), found("dead_units"), found("update_ratio", level=("high", "low", "zero"))),
        test="Double the width and train as long.",
        fix=fixes.widen,
        explains=("undertrained", "noise_floor"),
        stands_by=(fact(settings.is_bottleneck),),
        accuses_learning=True,
        good_enough=WELL_FITTED,
        weight=2,
    ),
    Candidate(
        "insufficient_capacity",
        "Model too simple",
        requires=(
            ended("stalled", "never_learned"),
            fact(settings.is_narrow),
            # A loss that lies still where nothing says how low it can come may be done.
            any_of(ended("never_learned"), shows("skill", level=("none", "little", "some", "solved"))),
        ),
        supports=(
            clear_of("update_ratio"),
            clear_of("dead_units"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
            shows("skill", level="some"),
        ),
        contradicts=(found("zero_gradient"), found("dead_units"), found("update_ratio", level=("high", "low", "zero"))),
        test="Double the width and train as long.",
        fix=fixes.widen,
        weight=1,
    ),
    Candidate(
        "excessive_dropout",
        "Too much dropout",
        requires=(
            found("architecture", fault=("dropout", "dropout_of_output", "noise")),
            any_of(ended("never_learned", "stalled", "slow"), shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            clear_of("update_ratio"),
            found("flatness", direction="flat"),
            found("skill"),
            shows("gradient_agreement", level="noise"),
            # Without dropout, in evaluation, the same model is far better.
            shows("train_eval_gap", advantage=lambda a: a > 0.2),
            clear_of("input_scale"),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=(
            "learning_rate_too_high",
            "dying_relu",
            "disconnected_graph",
            "uninformative_labels",
            "undertrained",
            "insufficient_capacity",
            "unsuitable_optimizer",
            "noise_floor",
        ),
        accuses_learning=True,
        test="Halve the rate and train one epoch.",
        stands_by=(found("architecture", fault=("dropout", "dropout_of_output", "noise")),),
        fix=fixes.less_dropout,
        points_at="architecture",
        weight=5,
    ),
    Candidate(
        "excessive_dropout",
        "Dropout behind dropout",
        requires=(found("architecture", fault="dropouts"), ended("never_learned")),
        supports=(
            clear_of("update_ratio"),
            found("flatness", direction="flat"),
            shows("gradient_agreement", level="noise"),
            clear_of("input_scale"),
        ),
        contradicts=(ANOTHER_FAULT, found("zero_gradient"), found("update_ratio", level=("high", "low", "zero"))),
        explains=(
            "uninformative_labels",
            "undertrained",
            "insufficient_capacity",
            "unsuitable_optimizer",
            "noise_floor",
        ),
        test="Take the dropouts out and train one epoch.",
        fix=fixes.less_dropout,
        points_at="architecture",
        weight=4,
    ),
    Candidate(
        "overfitting",
        "The same batch again and again",
        requires=(fact(one_batch),),
        explains=(*HELD, "train_eval_mismatch", "class_imbalance", "constant_inputs"),
        test="Print the first row of three batches in a row: they should differ.",
        fix=fixes.move_on,
        certain=True,
        weight=8,
    ),
    Candidate(
        "overfitting",
        "Overfitting",
        requires=(found("generalization_gap"),),
        supports=(
            shows("generalization_gap", lost_skill=lambda s: s > LOST),
            shows("generalization_gap", lost_skill=lambda s: s > 2 * LOST),
            # Where no constant guess is known, the rise itself.
            shows("generalization_gap", lost_skill=None, rise=lambda r: r > 0.2),
            shows("generalization_gap", ratio=lambda r: r > 3),
        ),
        contradicts=(ANOTHER_FAULT,),
        test="Train with dropout 0.5 before the last layer and compare validation losses.",
        fix=fixes.regularise,
        weight=3,
    ),
    # What is learned by heart of so few rows looks like any other success.
    Candidate(
        "overfitting",
        "Few rows, and none to check them by",
        requires=(fact(settings.checks_few_rows_by_nothing), shows("skill", skill=lambda s: s > WELL_FITTED)),
        supports=(found("generalization_gap"),),
        test="Score the model on rows that it was not trained on.",
        fix=fixes.regularise,
        weight=1,
    ),
    Candidate(
        "penalty_dominates",
        "The penalty outweighs the data",
        requires=(found("penalty_share", level="dominates"), NOT_LEARNING),
        supports=(
            found("skill"),
            found("flatness", direction="flat"),
            clear_of("input_scale"),
            clear_of("loss_pairing"),
        ),
        contradicts=(ANOTHER_FAULT, found("initialization", fault=("symmetric", "zero"))),
        explains=(
            "insufficient_capacity",
            "undertrained",
            "learning_rate_too_low",
            "dying_relu",
            "vanishing_gradients",
            "uninformative_labels",
            "unsuitable_optimizer",
            "hidden_activation_unsuitable",
            "disconnected_graph",
            "learning_rate_too_high",
        ),
        stands_by=(shows("penalty_share", share_start=lambda share: share > OUTWEIGHED),),
        test="Train 50 steps without the regulariser.",
        fix=fixes.lighten_penalty,
        points_at="penalty_share",
        weight=6,
    ),
    Candidate(
        "penalty_dominates",
        "A bonus for entropy keeps all choices alike",
        requires=(fact(keeps_all_alike), any_of(NOT_LEARNING, ended("inconclusive", "learning"))),
        explains=(*HELD, "uninformative_labels", "insufficient_capacity", "unbalanced_loss_terms"),
        test="Train 50 steps with a hundredth of the bonus.",
        fix=fixes.lighten_bonus,
        certain=True,
        weight=7,
    ),
    # What is paid for is what the layer says, and saying nothing costs nothing.
    Candidate(
        "penalty_dominates",
        "A penalty on its outputs silences a layer",
        requires=(is_silenced, NOT_LEARNING),
        supports=(found("skill"), found("output_diversity"), found("flatness", direction="flat")),
        contradicts=(found("loss_pairing", certain=True), found("input_scale", level="constant")),
        explains=(
            "dying_relu",
            "vanishing_gradients",
            "uninformative_labels",
            "constant_inputs",
            "disconnected_graph",
            "insufficient_capacity",
            "undertrained",
            "learning_rate_too_low",
            "posterior_collapse",
        ),
        test="Train 50 steps without the activity regulariser.",
        fix=fixes.lighten_activity_penalty,
        certain=True,
        weight=7,
    ),
    # Half of the kernels have a thousandth of themselves left: whatever the curve does, nothing passes them.
    Candidate(
        "penalty_dominates",
        "The weights are taken to nothing",
        requires=(
            found("weight_shrinkage", left=lambda left: left < TAKEN),
            unless(found("depth_profile", direction="vanishing", early=lambda early: early < FADED)),
            ended("inconclusive", "stalled", "learning"),
        ),
        explains=("insufficient_capacity", "undertrained", "noise_floor", "uninformative_labels"),
        test="Train 50 steps without what the loss asks of the weights.",
        fix=fixes.leave_out_the_pull,
        points_at="weight_shrinkage",
        certain=True,
        weight=6,
    ),
    # A decay is no part of the loss that is recorded, nor is a penalty that a loop adds, and one that won has nothing
    # left to weigh: all of them show in the weights they leave.
    *(
        Candidate(
            "penalty_dominates",
            title,
            requires=(pulls, NOT_LEARNING),
            contradicts=(
                found("loss_pairing", certain=True),
                # Where next to no gradient arrives, any decay has its way.
                found("depth_profile", direction="vanishing", early=lambda early: early < FADED),
            ),
            explains=(
                "insufficient_capacity",
                "undertrained",
                "learning_rate_too_low",
                "learning_rate_too_high",
                "dying_relu",
                "vanishing_gradients",
                "uninformative_labels",
                "unsuitable_optimizer",
                "hidden_activation_unsuitable",
                "disconnected_graph",
                "constant_inputs",
                "representation_collapse",
            ),
            test=test,
            fix=fix,
            points_at="weight_shrinkage",
            weight=6,
        )
        for title, pulls, test, fix in (
            (
                "Weight decay takes the weights to nothing",
                found("weight_shrinkage", decay=lambda decay: decay > 0),
                "Train 50 steps without weight decay.",
                fixes.lighten_decay,
            ),
            (
                "The penalty takes the weights to nothing",
                all_of(found("weight_shrinkage"), shows("penalty_share", share_start=lambda share: share > 0)),
                "Train 50 steps without the regulariser.",
                fixes.lighten_penalty,
            ),
            (
                "Something in the loss takes the weights to nothing",
                all_of(
                    found("weight_shrinkage", decay=0.0, left=lambda left: left < GONE),
                    unless(shows("penalty_share", share_start=lambda share: share > 0)),
                ),
                "Train 50 steps without what the loss asks of the weights.",
                fixes.leave_out_the_pull,
            ),
        )
    ),
    Candidate(
        "train_eval_mismatch",
        "Training and evaluation compute different things",
        requires=(found("train_eval_gap"),),
        supports=(
            shows("train_eval_gap", fault=("moving_statistics", "normalization_batch", "unlike_data", "quick")),
            shows("train_eval_gap", val_skill=lambda s: s < 0),
        ),
        contradicts=(ANOTHER_FAULT,),
        explains=("overfitting", "uninformative_labels"),
        test=settling.EVALUATE_TRAINING,
        fix=fixes.align_evaluation,
        points_at="train_eval_gap",
        certain=True,
        weight=5,
    ),
    Candidate(
        "train_eval_mismatch",
        "Moving statistics hold what they began with",
        requires=(fact(settings.averages_lag),),
        contradicts=(clear_of("train_eval_gap"), ANOTHER_FAULT),
        test=settling.EVALUATE_TRAINING,
        fix=fixes.align_evaluation,
        weight=4,
    ),
)
