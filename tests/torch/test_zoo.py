"""The families of the zoo that train in PyTorch are run here, in the process without TensorFlow."""

from benchmarks.zoo.families import dqn, pinn
from tb_lossdiag.schema import RUN_DIRECTORY


def test_a_program_leaves_a_log_and_says_how_it_ended(tmp_path):
    for family in (dqn, pinn):
        log = tmp_path / family.FAMILY.name
        outcome = family.train(str(log), 0, steps=4)
        assert list((log / RUN_DIRECTORY).glob("events.out.tfevents.*"))
        assert -1 <= outcome.skill <= 1
