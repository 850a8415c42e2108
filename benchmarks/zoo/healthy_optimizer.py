"""Which ways to step look wrong and are not? Warm-up, decay to zero, tiny rates, clipped and noisy steps, plateaus."""

from functools import partial

from keras.callbacks import EarlyStopping, LambdaCallback, ReduceLROnPlateau
from keras.optimizers import SGD, Adam, AdamW, Lion, RMSprop
from keras.optimizers.schedules import CosineDecay, ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay

from benchmarks.zoo.models import mlp
from benchmarks.zoo.recipe import healthy
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS_SGD,
    DIGITS,
    DIGITS_SGD,
    HOUSES,
    HOUSES_SGD,
    MOONS,
    RATINGS,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    SPOTS,
    TAGS,
    TUMOURS,
    WAVES,
    WINE_SGD,
)
from benchmarks.zoo.training import Training

WARM_UP = partial(PolynomialDecay, 1e-5, 120, 2e-3)
WARM_UP_AND_COSINE = partial(CosineDecay, 0.0, 240, warmup_target=4e-3, warmup_steps=60)
IN_STEPS = partial(PiecewiseConstantDecay, [140, 250], [3e-3, 1e-3, 2e-4])
# Three steps at ten times the rate: the loss jumps and comes back.
ONE_JUMP = partial(PiecewiseConstantDecay, [80, 83], [0.02, 0.2, 0.02])


def scheduled(optimizer: type, schedule: partial, **options: object):
    """A schedule is made with its optimizer, not while importing."""
    return partial(_scheduled, optimizer, schedule, options)


def _scheduled(optimizer: type, schedule: partial, options: dict):
    return optimizer(schedule(), **options)


def stop_at_60_percent() -> list:
    """Somebody presses a key after six of ten epochs."""

    def stop(epoch: int, logs: dict) -> None:
        if epoch == 5:
            callback.model.stop_training = True

    callback = LambdaCallback(on_epoch_end=stop)
    return [callback]


def lower_once_flat() -> list:
    return [ReduceLROnPlateau(monitor="loss", factor=0.3, patience=3, min_delta=0.005)]


def stop_once_flat() -> list:
    return [EarlyStopping(monitor="val_loss", patience=4, min_delta=0.003)]


HEALTHY: tuple[Training, ...] = (
    healthy(DIGITS, "warm_up", optimizer=scheduled(Adam, WARM_UP)),
    healthy(REVIEWS, "warm_up_and_cosine", optimizer=scheduled(AdamW, WARM_UP_AND_COSINE)),
    healthy(SHAPES, "cosine_to_zero", optimizer=scheduled(Adam, partial(CosineDecay, 4e-3, 300))),
    healthy(HOUSES_SGD, "cosine_to_zero", optimizer=scheduled(SGD, partial(CosineDecay, 0.03, 300), momentum=0.9)),
    healthy(DIGIT_IMAGES, "rate_in_steps", optimizer=scheduled(RMSprop, IN_STEPS)),
    healthy(SPOTS, "exponential_decay", optimizer=scheduled(Adam, partial(ExponentialDecay, 5e-3, 50, 0.7))),
    healthy(HOUSES, "lower_rate_once_converged", epochs=20, callbacks=lower_once_flat),
    healthy(DIGITS, "stopped_once_converged", epochs=30, callbacks=stop_once_flat, optimizer=partial(Adam, 4e-3)),
    healthy(DIGITS_SGD, "stopped_by_hand", epochs=10, callbacks=stop_at_60_percent),
    healthy(MOONS, "converged_long_ago", epochs=30),
    healthy(HOUSES, "converged_at_the_noise", epochs=25),
    healthy(WAVES, "converged_long_ago", epochs=30),
    healthy(WINE_SGD, "batches_of_2", batch_size=2, epochs=6, optimizer=partial(SGD, 0.01)),
    healthy(DIGITS, "batches_of_4", batch_size=4, epochs=2, optimizer=partial(Adam, 1e-3)),
    healthy(DIGITS_SGD, "batches_of_512", batch_size=512, epochs=100, optimizer=partial(SGD, 0.1, momentum=0.9)),
    healthy(
        DIGITS, "adam_1e-4", model=partial(mlp, 64, 10, "softmax", (256, 128)), optimizer=partial(Adam, 1e-4), epochs=12
    ),
    healthy(TUMOURS, "sgd_1e-3", optimizer=partial(SGD, 1e-3, momentum=0.9), batch_size=8, epochs=10),
    healthy(DIGITS_SGD, "clipped_now_and_then", optimizer=partial(SGD, 0.1, momentum=0.9, global_clipnorm=1.0)),
    healthy(SHAPES_SGD, "clipped_mostly_at_first", optimizer=partial(SGD, 0.1, momentum=0.9, global_clipnorm=0.3)),
    healthy(DIGIT_ROWS_SGD, "clipped", optimizer=partial(SGD, 0.2, momentum=0.9, clipnorm=1.0)),
    healthy(HOUSES_SGD, "one_jump", optimizer=scheduled(SGD, ONE_JUMP)),
    healthy(SHAPES_SGD, "nesterov", optimizer=partial(SGD, 0.03, momentum=0.9, nesterov=True)),
    healthy(DIGITS, "lion", optimizer=partial(Lion, 5e-4)),
    healthy(TAGS, "sgd_without_momentum", epochs=8, optimizer=partial(SGD, 0.5)),
    healthy(
        RATINGS,
        "gradients_of_4_batches",
        optimizer=partial(Adam, 5e-3, gradient_accumulation_steps=4),
        batch_size=8,
        epochs=4,
    ),
    healthy(HOUSES, "xla", compile={"jit_compile": True}),
    healthy(DIGIT_IMAGES, "amsgrad", optimizer=partial(Adam, 3e-3, amsgrad=True)),
)
