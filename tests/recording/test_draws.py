"""Which operators keep a random state of their own is read from their definitions, wherever in a step they stand."""

import pytest
import tensorflow as tf

from tb_lossdiag.recording.draws import draws

X = tf.TensorSpec([4, 3])


@pytest.fixture(autouse=True)
def seeded():
    tf.random.set_seed(1)
    yield
    tf.random.set_seed(None)


def graph_of(function, **options):
    return tf.function(function, **options).get_concrete_function(X).graph


KEEPING = {
    "RandomStandardNormal": lambda x: x + tf.random.normal([3]),
    "RandomUniform": lambda x: tf.nn.dropout(x, 0.5),
    "RandomUniformInt": lambda x: tf.random.uniform([3], maxval=5, dtype=tf.int32),
    "TruncatedNormal": lambda x: x + tf.random.truncated_normal([3]),
    "RandomGamma": lambda x: x + tf.random.gamma([3], 1.0),
    "RandomPoissonV2": lambda x: x + tf.random.poisson([3], 1.0),
    "RandomShuffle": tf.random.shuffle,
    "Multinomial": lambda x: tf.random.categorical(x, 2),
    "UniformCandidateSampler": lambda x: tf.random.uniform_candidate_sampler([[1]], 1, 1, True, 9)[0],
    "SampleDistortedBoundingBoxV2": lambda x: tf.image.sample_distorted_bounding_box(
        [8, 8, 3], tf.zeros([1, 1, 4]), seed=3, min_object_covered=0.1
    )[0],
}


@pytest.mark.parametrize(("operator", "function"), KEEPING.items(), ids=KEEPING)
def test_an_operator_with_a_seed_and_a_state_in_its_kernel_is_found(operator, function):
    assert operator in draws(graph_of(function))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.cond(x[0, 0] > 0.0, lambda: x + tf.random.normal([3]), lambda: x),
        lambda x: tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, x + tf.random.normal([4, 3])), (0, x))[1],
        tf.function(lambda x: x + tf.random.normal([3])),
        lambda x: tf.map_fn(lambda row: row + tf.random.normal([3]), x),
        tf.recompute_grad(lambda x: x + tf.random.normal([3])),
    ],
    ids=["branch", "loop", "function", "map", "recomputed"],
)
def test_it_is_found_in_what_the_step_calls(function):
    assert draws(graph_of(function)) == ("RandomStandardNormal",)


def test_a_state_in_a_variable_is_shared_by_all_traces():
    generator = tf.random.Generator.from_seed(1)
    assert draws(graph_of(lambda x: x + generator.normal([3]))) == ()
    assert draws(graph_of(lambda x: x + tf.random.stateless_normal([3], [1, 2]))) == ()


def test_without_any_seed_there_is_nothing_to_keep():
    tf.random.set_seed(None)
    assert draws(graph_of(lambda x: x + tf.random.normal([3]))) == ()
    assert draws(graph_of(lambda x: x + tf.random.normal([3], seed=7))) == ("RandomStandardNormal",)


def test_what_xla_compiles_ignores_seeds():
    compiled = tf.function(lambda x: x + tf.random.normal([3], seed=7), jit_compile=True)
    assert draws(graph_of(compiled)) == ()
    others = [tf.function(lambda: tf.random.normal([3], seed=7), jit_compile=True)() for _ in range(2)]
    assert not bool(tf.reduce_all(others[0] == others[1]))
