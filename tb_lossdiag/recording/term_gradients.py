"""How hard does each term of the loss pull at the weights that several terms share? The norm of its gradient there.

Values do not tell: a loss of 1,000 may hardly depend on the weights, and one of 0.1 decide where they go. One more pass
in training mode, with the random numbers of the step's own, is differentiated term by term. It is taken where
histograms are counted. A gradient counts as the term does in the sum, with its loss weight.
"""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from tb_lossdiag.recording.loss_terms import is_added
from tb_lossdiag.recording.losses import given_losses
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.own_pass import NotTaken, before_the_step, computed_loss, may_be_taken, own_pass
from tb_lossdiag.recording.statistics import as_float, dense, norm
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.taps import watching

MOST_TERMS = 8  # each costs a backward pass
_NAN = float("nan")


def term_norms(observation: Observation, switch: Switch | None) -> dict[str, tf.Tensor]:
    """float32 [] by the term's name, NaN where the switch is off; of those terms and steps of which they can be had.

    Only where the terms are all of the loss: what layers add, beside an output whose own loss is no term, would be
    compared with nothing but each other. Where nothing was compiled they add all of it.
    """
    if not _applies(observation) or not may_be_taken(observation, switch):
        return {}
    names: list[str] = []

    def compute() -> tf.Tensor:
        found = _norms(observation)
        names[:] = found
        return tf.stack(list(found.values()))

    norms = own_pass(compute, switch, lambda: tf.fill([len(names)], _NAN))
    return {} if norms is None else dict(zip(names, tf.unstack(norms, num=len(names)), strict=True))


def _applies(observation: Observation) -> bool:
    model, terms = observation.model, observation.terms
    if observation.is_loop or type(model).train_step is not keras.Model.train_step or len(terms) > MOST_TERMS:
        return False
    if not given_losses(model):
        return len(terms) > 1
    return sum(not is_added(name, model, observation.structure) for name in terms) > 1


def _norms(observation: Observation) -> dict[str, tf.Tensor]:
    """Raises NotTaken where no weight is shared, or fewer than two outputs have a term."""
    weights = [observation.before[path] for path in observation.structure.variables]
    scale = 1.0 if observation.gradient_scale is None else as_float(observation.gradient_scale)
    # Watched as the step was, so that the terms have the same names.
    seen = Observation(observation.model, looks_closely=False)
    with before_the_step(observation):
        with tf.GradientTape(persistent=True) as tape, watching(seen):
            tape.watch(weights)
            prediction = observation.model(observation.loss_arguments["x"], training=True)
            added = set(seen.terms)
            loss = computed_loss(observation, prediction, training=True)
        counts = _counts(tape, loss, seen.terms, added)
        counts = {name: slope for name, slope in counts.items() if name in observation.terms}
        whole = counts if not given_losses(observation.model) else [name for name in counts if name not in added]
        if seen.error is not None or len(whole) < 2:
            raise NotTaken
        return _pulls(tape, seen.terms, counts, weights, scale)


def _counts(
    tape: tf.GradientTape, loss: tf.Tensor, terms: Mapping[str, tf.Tensor], added: set[str]
) -> dict[str, tf.Tensor]:
    """By how much the loss grows with each term; only those that are in it. added: by layers, as they are."""
    found = {name: tf.ones_like(value) for name, value in terms.items() if name in added}
    others = [name for name in terms if name not in added]
    slopes = tape.gradient(loss, [terms[name] for name in others])
    return found | {name: slope for name, slope in zip(others, slopes, strict=True) if slope is not None}


def _pulls(
    tape: tf.GradientTape,
    terms: Mapping[str, tf.Tensor],
    counts: Mapping[str, tf.Tensor],
    weights: Sequence[tf.Tensor],
    scale: tf.Tensor | float,
) -> dict[str, tf.Tensor]:
    """scale: by which the step multiplies its loss, so that no gradient underflows."""
    norms: dict[str, list[tf.Tensor | None]] = {}
    for name, slope in counts.items():
        done = [x for of_term in norms.values() for x in of_term if x is not None]
        with tf.control_dependencies(done):  # the gradients of all terms at once would be many times the model
            slope = slope * tf.cast(scale, slope.dtype)
            gradients = tape.gradient(terms[name], weights, output_gradients=slope)
            norms[name] = [None if x is None else _norm(x, like) for x, like in zip(gradients, weights, strict=True)]
    reached = [sum(x is not None for x in of_weight) for of_weight in zip(*norms.values(), strict=True)]
    if all(count < 2 for count in reached):
        raise NotTaken
    found = {}
    for name, of_term in norms.items():
        shared = [x for x, count in zip(of_term, reached, strict=True) if x is not None and count > 1]
        found[name] = norm(tf.stack([shared]))[0] / scale if shared else tf.constant(_NAN)
    return found


def _norm(gradient: tf.Tensor | tf.IndexedSlices, weight: tf.Tensor) -> tf.Tensor:
    return norm(as_float(tf.reshape(dense(gradient, weight), [1, -1])))[0]
