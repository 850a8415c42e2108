import pytest
import synthetic as s

from tb_lossdiag.diagnosis.setup import setup
from tb_lossdiag.run import LayerCard, ModelCard


def facts(card):
    return {group.title: dict(group.facts) for group in setup(card)}


def test_what_is_not_known_is_left_out():
    assert facts(ModelCard()) == {"Model": {"Name": "model", "Precision": "float32"}}


def test_settings_are_labelled_in_words_and_flags_read_as_yes_and_no():
    card = s.card(
        optimizer={"name": "SGD", "config": {"name": "sgd", "learning_rate": 0.1, "nesterov": True, "clipnorm": None}},
        loss={"name": "mse", "from_logits": False, "reads_logits": True},
        metrics=("mae", "accuracy"),
        settings={"jit_compile": True, "classes": 10},
    )
    told = facts(card)
    assert told["Optimizer"] == {"Name": "SGD", "Learning rate": 0.1, "Nesterov": "yes"}
    assert told["Loss"] == {"Name": "mse", "From logits": "no", "Metrics": "mae, accuracy"}
    assert told["Training"] == {
        "Batch size": 32, "Steps per epoch": 40, "Epochs": 10, "Compiled by XLA": "yes", "Classes": 10,
    }  # fmt: skip


def test_a_layer_is_told_in_one_line():
    layer = LayerCard("fc", "Dense", "relu", {"kernel": {"name": "HeNormal"}}, (), 64, 4160, False)
    assert facts(ModelCard(layers=(layer,)))["Layers"] == {
        "fc": "Dense, 64 units, relu, HeNormal, 4,160 parameters, frozen"
    }


@pytest.mark.parametrize("config", [None, [], "fast", {"learning_rate": {"class_name": "Cosine"}}, {"x": [1, None]}])
def test_a_config_of_any_shape_is_told_as_text(config):
    told = facts(ModelCard(optimizer={"name": {"a": 1}, "config": config}))["Optimizer"]
    assert all(isinstance(value, (str, int, float)) for value in told.values())
