"""Is the training loop wired wrongly? What holds whatever the curve does: shapes, weights, gradients and modes.

Each of these is a fact about the program and not a judgement on its result, so a run that seems to learn is told too.
"""

from tb_lossdiag.diagnosis import fixes, loop
from tb_lossdiag.diagnosis.causes.candidate import BAD, HELD_BACK, NOT_LEARNING, SETTLED_EARLY, USEFUL, Candidate
from tb_lossdiag.diagnosis.clues import any_of, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.standing import LITTLE

# What a model that cannot learn its task leaves behind, whichever wire is missing.
HELD = (
    "uninformative_labels",
    "undertrained",
    "insufficient_capacity",
    "noise_floor",
    "unsuitable_optimizer",
    "learning_rate_too_low",
)
FRESH_STATISTICS = (*HELD, "unnormalized_inputs", "exploding_gradients", "learning_rate_too_high", "overfitting")

WIRING = (
    Candidate(
        "shape_broadcast",
        "Targets and outputs are spread over each other",
        requires=(found("loss_shapes", kind="crossed"),),
        explains=(*HELD, "constant_inputs", "dying_relu", "representation_collapse", "unbalanced_loss_terms"),
        test="Print the shapes of the targets and of the outputs right where the loss is computed.",
        fix=fixes.match_shapes,
        points_at="loss_shapes",
        certain=True,
        weight=8,
    ),
    # Each step of a sequence, or each of a layer's units, is asked for the one number that an example has.
    Candidate(
        "shape_broadcast",
        "One target meets several outputs",
        requires=(
            found("loss_shapes", kind="repeated"),
            any_of(BAD, shows("skill", skill=lambda s: s < HELD_BACK)),
        ),
        contradicts=(found("loss_pairing", certain=True),),
        explains=(*HELD, "overfitting"),
        test="Print the shapes of the targets and of the outputs right where the loss is computed.",
        fix=fixes.answer_once,
        points_at="loss_shapes",
        accuses_learning=True,
        good_enough=HELD_BACK,
        weight=7,
    ),
    # What is said of an example hangs on its neighbours in the batch.
    Candidate(
        "mixed_examples",
        "A layer goes along the batch",
        requires=(found("sequence_axis"), any_of(BAD, shows("skill", skill=lambda s: s < USEFUL))),
        contradicts=(found("loss_pairing", certain=True),),
        explains=(*HELD, "overfitting", "vanishing_gradients", "hidden_activation_unsuitable", "train_eval_mismatch"),
        test="Change one example of a batch: the outputs of the others should stay as they are.",
        fix=fixes.put_batch_first,
        points_at="sequence_axis",
        accuses_learning=True,
        weight=7,
    ),
    # A model of sets or graphs mixes them on purpose: where the steps are too large, that is no reason to fail.
    Candidate(
        "mixed_examples",
        "The examples of a batch run into each other",
        requires=(
            found("example_mixing"),
            # Where labels are noisy, half a skill is all there is; what runs together leaves next to none.
            any_of(ended("never_learned"), shows("skill", skill=lambda s: s < LITTLE)),
        ),
        contradicts=(
            found("loss_pairing", certain=True),
            found("update_ratio", level="high"),
            found("nonfinite"),
        ),
        explains=(*HELD, "overfitting", "vanishing_gradients", "hidden_activation_unsuitable", "train_eval_mismatch"),
        test="Change one example of a batch: the outputs of the others should stay as they are.",
        fix=fixes.keep_examples_apart,
        points_at="example_mixing",
        accuses_learning=True,
        weight=6,
    ),
    # What adds up to 1 over the batch is no answer for one example, however well it separates those of a batch.
    Candidate(
        "mixed_examples",
        "The outputs are shares of the batch",
        requires=(found("example_mixing", proved=True),),
        explains=(*HELD, "overfitting", "train_eval_mismatch"),
        test="Predict one example alone and with others: its outputs should be the same.",
        fix=fixes.keep_examples_apart,
        points_at="example_mixing",
        certain=True,
        weight=8,
    ),
    Candidate(
        "untracked_weights",
        "Weights that nobody trains",
        requires=(found("optimizer_coverage", level="untracked"),),
        explains=(*HELD, "frozen_layers", "updates_not_applied", "nothing_trainable", "disconnected_graph"),
        test="Compare one of these weights before and after ten steps.",
        fix=fixes.register_weights,
        points_at="optimizer_coverage",
        certain=True,
        weight=8,
    ),
    Candidate(
        "updates_not_applied",
        "The optimizer trains another model",
        requires=(found("optimizer_coverage", level="other_model"),),
        explains=(*HELD, "frozen_layers", "disconnected_graph", "learning_rate_zero"),
        test="Compare a weight of the model before and after one step.",
        fix=fixes.give_optimizer_its_weights,
        points_at="optimizer_coverage",
        certain=True,
        weight=8,
    ),
    Candidate(
        "updates_not_applied",
        "The optimizer takes no step",
        requires=(found("optimizer_coverage", level="no_step"),),
        explains=("*",),
        test="Compare a weight before and after one round of the loop.",
        fix=fixes.take_steps,
        points_at="optimizer_coverage",
        certain=True,
        weight=8,
    ),
    # To train a part is usual, so here the outcome has to ask for a cause.
    Candidate(
        "updates_not_applied",
        "The optimizer has only a part of the weights",
        requires=(
            found("optimizer_coverage", level="part"),
            any_of(NOT_LEARNING, SETTLED_EARLY, shows("skill", skill=lambda s: s < USEFUL)),
        ),
        supports=(
            found("optimizer_coverage", share=lambda s: s < USEFUL),
            found("skill"),
            found("flatness", direction="flat"),
            clear_of("input_scale"),
        ),
        contradicts=(found("update_ratio", level="high"), found("loss_pairing", certain=True)),
        explains=(*HELD, "frozen_layers"),
        test="Give the optimizer all weights and train 50 steps.",
        fix=fixes.give_optimizer_its_weights,
        points_at="optimizer_coverage",
        accuses_learning=True,
        weight=5,
    ),
    # Gradients arrive, a learning rate is there, and not one number of any weight matrix ever moves.
    Candidate(
        "updates_not_applied",
        "Updates are not applied",
        requires=(
            found("update_ratio", level="zero"),
            clear_of("zero_gradient"),
            fact(loop.rate_is_above_zero),
            unless(found("lost_updates")),
            unless(found("loss_scale")),
            unless(found("nonfinite")),
            unless(found("trainable", nothing=True)),
            unless(fact(loop.accumulates_gradients)),
        ),
        explains=HELD,
        test="Compare a weight before and after one step.",
        fix=fixes.apply_updates,
        points_at="update_ratio",
        certain=True,
        weight=6,
    ),
    Candidate(
        "disconnected_graph",
        "The loss does not reach the layers in front",
        requires=(found("zero_gradient", cut_inside=True),),
        contradicts=(found("loss_pairing", certain=True), found("trainable", nothing=True)),
        explains=(*HELD, "frozen_layers"),
        test="Print which weights get no gradient.",
        fix=fixes.reconnect,
        points_at="zero_gradient",
        certain=True,
        weight=7,
    ),
    Candidate(
        "gradients_not_cleared",
        "Gradients of earlier steps are added up",
        requires=(found("carried_gradient", alone=True),),
        explains=(
            *HELD,
            "learning_rate_too_high",
            "exploding_gradients",
            "unsuitable_batch_size",
            "dying_relu",
            "clipping_too_tight",
            "updates_not_applied",
        ),
        test="Clear the gradients before each backward pass and train 50 steps.",
        fix=fixes.clear_gradients,
        points_at="carried_gradient",
        certain=True,
        weight=8,
    ),
    # Where several optimizers step, one model's backward pass may leave gradients in another on purpose.
    Candidate(
        "gradients_not_cleared",
        "Gradients of earlier steps are added up",
        requires=(found("carried_gradient", alone=False), BAD),
        supports=(
            found("oscillation"),
            found("divergence"),
            found("exploding_norm"),
            found("update_ratio", level="high"),
        ),
        test="Clear the gradients before each backward pass and train 50 steps.",
        fix=fixes.clear_gradients,
        points_at="carried_gradient",
        weight=4,
    ),
    Candidate(
        "train_eval_mismatch",
        "Trained in evaluation mode",
        requires=(found("forward_mode", fault=("never", "ceased"), normalizes=True),),
        explains=FRESH_STATISTICS,
        test="Train 50 steps in training mode.",
        fix=fixes.train_in_training_mode,
        points_at="forward_mode",
        certain=True,
        weight=7,
    ),
    Candidate(
        "train_eval_mismatch",
        "Training and evaluation compute different things",
        requires=(found("forward_mode", fault="worse", normalizes=True),),
        explains=("overfitting", "uninformative_labels"),
        test="Score the training data in evaluation mode: the result should agree with the training loss.",
        fix=fixes.align_modes,
        points_at="forward_mode",
        certain=True,
        weight=5,
    ),
)
