import math
from dataclasses import replace
from functools import partial

import pytest

from benchmarks.zoo.loop import loop, plain
from benchmarks.zoo.recipe import changed, healthy, sick, train
from benchmarks.zoo.recipes import WINE
from tb_lossdiag.schema import RUN_DIRECTORY

SHORT = replace(WINE, epochs=1)


@pytest.mark.parametrize("run", [train, partial(loop, step=plain)], ids=["fit", "loop"])
def test_training_leaves_a_log_and_tells_how_it_ended(run, tmp_path):
    outcome = run(SHORT, str(tmp_path), 0)
    assert list((tmp_path / RUN_DIRECTORY).glob("events.out.tfevents.*"))
    assert math.isfinite(outcome.train_loss) and math.isfinite(outcome.inference_loss)
    assert -1 <= outcome.skill <= 1


def test_a_dict_changes_options_of_the_recipes_own_factory():
    recipe = changed(WINE, optimizer={"learning_rate": 0.5}, fit={"shuffle": False})
    assert recipe.optimizer.func is WINE.optimizer.func
    assert recipe.optimizer.keywords == {**WINE.optimizer.keywords, "learning_rate": 0.5}
    assert recipe.fit == {"shuffle": False}


def test_a_training_knows_its_base_and_its_name_is_made_from_cause_model_and_twist():
    training = sick("undertrained", WINE, "one_epoch", epochs=1)
    assert (training.name, training.cause, training.base) == ("undertrained-mlp-one_epoch", "undertrained", "wine")
    assert healthy(WINE, "small", epochs=9).name == "healthy-mlp-small"
