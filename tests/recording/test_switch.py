import keras
import pytest
import tensorflow as tf

from tb_lossdiag.recording.switch import Switch


@pytest.mark.parametrize("compiled", [False, True])
def test_a_traced_function_does_as_the_host_says_before_each_call(compiled):
    switch = Switch()
    function = tf.function(lambda: tf.cond(switch.is_on(), lambda: 1.0, lambda: 0.0), jit_compile=compiled)
    switch.set(True)
    answers = [float(function())]
    for on in (False, False, True):
        switch.set(on)
        answers.append(float(function()))
    assert answers == [1.0, 0.0, 0.0, 1.0]
    assert function.experimental_get_tracing_count() == 1


def test_no_model_takes_it_for_its_own():
    class Holding(keras.layers.Layer):
        def call(self, x):
            switch.set(True)
            return x + tf.cast(switch.is_on(), x.dtype)

    switch = Switch()
    model = keras.Sequential([keras.layers.Input((1,)), Holding()])
    assert float(model.predict(tf.zeros([1, 1]), verbose=0)[0, 0]) == 1.0
    assert model.variables == []
