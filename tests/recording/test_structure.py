"""Structure: paths lead from the model to its layers, and every trainable variable has one name and one owner."""

import keras

from tb_lossdiag.recording.structure import structure_of


def test_a_sequential_models_paths_leave_out_its_own_name():
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(1, name="b")]
    )
    structure = structure_of(model)
    assert list(structure.layers) == ["a", "b"]
    assert structure.owners == {"a/kernel": "a", "a/bias": "a", "b/kernel": "b", "b/bias": "b"}


def test_nested_models_are_containers_and_their_layers_carry_the_way():
    inner = keras.Sequential([keras.layers.Dense(2, name="a")], name="encoder")
    model = keras.Sequential([keras.layers.Input((3,)), inner, keras.layers.Dense(1, name="a")])
    assert list(structure_of(model).layers) == ["encoder/a", "a"]


def test_a_recurrent_layer_counts_as_one_and_owns_its_cells_variables():
    model = keras.Sequential(
        [keras.layers.Input((5, 3)), keras.layers.Bidirectional(keras.layers.LSTM(2), name="both")], name="m"
    )
    structure = structure_of(model)
    assert list(structure.layers) == ["both"]
    assert set(structure.owners.values()) == {"both"}
    assert len(structure.variables) == 6


def test_a_shared_layer_appears_once():
    shared = keras.layers.Dense(3, name="shared")
    x = keras.Input((3,))
    assert list(structure_of(keras.Model(x, shared(shared(x)))).layers) == ["shared"]


def test_a_variable_is_found_by_its_keras_and_its_tensorflow_object():
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="a")])
    structure = structure_of(model)
    kernel = model.layers[0].kernel
    assert structure.path_of_variable(kernel) == structure.path_of_variable(kernel.value) == "a/kernel"
    assert structure.path_of_variable(keras.Variable(1.0)) is None


def test_frozen_variables_are_no_rows():
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(1, name="b")]
    )
    model.layers[0].trainable = False
    assert list(structure_of(model).variables) == ["b/kernel", "b/bias"]
