"""Which faults of optimizer, batch size and length are rehearsed, on recipes that the zoo does not use for them?"""

from functools import partial

from keras.optimizers import SGD, Adadelta, Adagrad
from keras.optimizers.schedules import CosineDecay, PolynomialDecay

from benchmarks.zoo.loop import loop
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGITS,
    DIGITS_SGD,
    FREQUENCIES,
    HOUSES,
    MOONS,
    RATINGS,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    SPOTS,
    TAGS,
    TOPICS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
    WINE_SGD,
)
from benchmarks.zoo.sick_optimizer import on_a_copy, summed_up
from benchmarks.zoo.special_recipes import (
    TAGS_SGD,
)


def rate(value: float) -> dict:
    return {"learning_rate": value}


TRAINING = (
    *(
        sick("learning_rate_too_high", recipe, twist, optimizer=rate(value))
        for recipe, twist, value in (
            (DIGIT_IMAGES, "rmsprop_0.3", 0.3),
            (DIGIT_ROWS, "rmsprop_0.5", 0.5),
            (RATINGS, "adam_0.3", 0.3),
            (SPOTS, "adam_0.3", 0.3),
            (MOONS, "adam_1", 1.0),
            (TUMOURS_SGD, "momentum_3", 3.0),
            (TAGS, "adam_0.8", 0.8),
        )
    ),
    *(
        sick("learning_rate_too_low", recipe, twist, optimizer=rate(value))
        for recipe, twist, value in (
            (TOPICS, "adam_2e-6", 2e-6),
            (WAVES, "adam_1e-5", 1e-5),
            (SPOTS, "adam_1e-6", 1e-6),
            (TAGS, "adam_3e-6", 3e-6),
            (WINE_SGD, "momentum_1e-5", 1e-5),
            (DIGIT_IMAGES, "rmsprop_1e-6", 1e-6),
            (FREQUENCIES, "adam_1e-6", 1e-6),
        )
    ),
    sick("learning_rate_zero", WAVES, "placeholder", optimizer=rate(0.0)),
    sick("learning_rate_zero", SPOTS, "cosine_in_epochs", optimizer=rate(CosineDecay(3e-3, decay_steps=10))),
    sick("learning_rate_zero", RATINGS, "decay_in_epochs", optimizer=rate(PolynomialDecay(3e-3, 8, 0.0))),
    sick("updates_not_applied", DIGITS_SGD, "digits_applied_to_copy", run=partial(loop, step=on_a_copy)),
    sick("updates_not_applied", WAVES, "accumulated_for_ever", optimizer={"gradient_accumulation_steps": 1000}),
    sick("updates_not_applied", SPOTS, "summed_up", run=partial(loop, step=summed_up)),
    sick("clipping_too_tight", TUMOURS_SGD, "clipnorm_1e-6", optimizer={"clipnorm": 1e-6}),
    sick("clipping_too_tight", WINE_SGD, "global_clipnorm_1e-5", optimizer={"global_clipnorm": 1e-5}),
    sick("clipping_too_tight", SHAPES_SGD, "clipvalue_1e-6", optimizer={"clipvalue": 1e-6}),
    sick("optimizer_epsilon_dominates", WAVES, "adam_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", SPOTS, "adam_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", HOUSES, "adamw_100", optimizer={"epsilon": 100.0}),
    sick("optimizer_epsilon_dominates", TOPICS, "loss_times_1e-9", compile={"loss_weights": 1e-9}),
    *(
        sick("unsuitable_optimizer", recipe, twist, ("learning_rate_too_low",), optimizer=made)
        for recipe, twist, made in (
            (TAGS, "adadelta_tags", Adadelta),
            (WAVES, "adadelta", Adadelta),
            (TOPICS, "adadelta", Adadelta),
            (SPOTS, "adagrad_spots", Adagrad),
            (DIGIT_ROWS, "adagrad", Adagrad),
        )
    ),
    sick("low_precision", TAGS, "float16_tags", policy="float16"),
    sick("low_precision", SPOTS, "float16_spots", policy="float16"),
    sick("undertrained", DIGIT_IMAGES, "20_steps", epochs=1, fit={"steps_per_epoch": 20}),
    sick("undertrained", DIGIT_ROWS, "one_epoch", epochs=1),
    sick("undertrained", SPOTS, "one_epoch_of_spots", epochs=1),
    sick("undertrained", REVIEWS, "one_epoch_of_reviews", epochs=1),
    sick("undertrained", TAGS, "12_steps", epochs=1, fit={"steps_per_epoch": 12}),
    sick("unsuitable_batch_size", SHAPES, "all_shapes", batch_size=960),
    sick("unsuitable_batch_size", WAVES, "all_waves", batch_size=800),
    sick("unsuitable_batch_size", HOUSES, "all_houses", batch_size=960),
    sick("noise_floor", TAGS_SGD, "single_tags", ("learning_rate_too_high",), batch_size=1, optimizer=rate(0.8)),
    *(
        sick(
            "low_precision",
            recipe,
            f"mixed_{recipe.name}",
            policy="mixed_float16",
            compile={"loss_weights": 1e-6, "auto_scale_loss": False},
            optimizer={"epsilon": 1e-14},
        )
        for recipe in (SHAPES, TUMOURS)
    ),
    sick("low_precision", DIGITS, "bfloat16_digits", policy="bfloat16", optimizer=rate(1e-4)),
    *(
        sick("unsuitable_optimizer", recipe, f"plain_sgd_{recipe.name}", ("learning_rate_too_low",), optimizer=SGD)
        for recipe in (TOPICS, RATINGS, DIGIT_ROWS, FREQUENCIES)
    ),
    sick("unsuitable_batch_size", REVIEWS, "all_reviews", batch_size=960),
    sick("unsuitable_batch_size", DIGIT_IMAGES, "all_images", batch_size=1437),
    sick("learning_rate_too_high", FREQUENCIES, "adam_0.5_frequencies", optimizer=rate(0.5)),
    sick("learning_rate_too_high", REVIEWS, "adamw_0.3", optimizer=rate(0.3)),
    sick("learning_rate_too_high", FREQUENCIES, "adam_1_frequencies", optimizer=rate(1.0)),
    sick("learning_rate_too_high", WAVES, "adam_1_waves", optimizer=rate(1.0)),
    sick("undertrained", HOUSES, "15_steps", epochs=1, fit={"steps_per_epoch": 15}),
    sick("undertrained", FREQUENCIES, "one_epoch_of_frequencies", epochs=1),
    sick("unsuitable_batch_size", TUMOURS, "all_tumours", batch_size=455),
)
