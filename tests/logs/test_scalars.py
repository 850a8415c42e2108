import numpy as np
import pytest
from event_files import START, scalar, scalars, tensor, write

from tb_lossdiag.logs import list_experiments, read_run


def read(open_log, log_dir, name="exp"):
    log = open_log(log_dir)
    return read_run(log, list_experiments(log)[name])


def test_keras_epochs_are_read_by_their_keras_names(open_log, tmp_path):
    train = scalars("epoch_loss", [3, 2, 1]) + scalars("epoch_accuracy", [0.1, 0.2, 0.3])
    train += scalars("epoch_learning_rate", [0.1, 0.1, 0.05]) + scalars("epoch_steps_per_second", [9, 9, 9])
    write(tmp_path / "logs" / "exp" / "train", train)
    validation = scalars("epoch_loss", [4, 3, 3]) + scalars("evaluation_loss_vs_iterations", [4, 3, 3], first=100)
    write(tmp_path / "logs" / "exp" / "validation", validation)
    run = read(open_log, tmp_path / "logs")
    assert run.source == "scalars"
    assert run.step_unit == "epoch"
    assert run.steps == {}
    assert sorted(run.epochs) == ["accuracy", "learning_rate", "loss", "val_loss"]
    assert run.epochs["val_loss"].steps.tolist() == [0, 1, 2]
    assert run.epochs["val_loss"].values.tolist() == [4, 3, 3]
    assert run.wall_time == START + 2


def test_keras_batch_losses_are_undone_and_give_the_epochs_their_steps(open_log, tmp_path):
    losses = np.array([4.0, 2.0, 3.0, 1.0, 5.0, 0.5])
    means = [*np.cumsum(losses[:3]) / [1, 2, 3], *np.cumsum(losses[3:]) / [1, 2, 3]]
    batches = scalars("batch_loss", means, first=1, wall=START + 1)
    epochs = scalars("epoch_loss", [3.0, 2.2], wall=START + 3.5, seconds=3)
    rates = scalars("epoch_learning_rate", [0.1, 0.2], wall=START + 3.5, seconds=3)
    write(tmp_path / "logs" / "exp" / "train", batches + epochs + rates)
    run = read(open_log, tmp_path / "logs")
    np.testing.assert_allclose(run.steps["loss"].values, losses, rtol=1e-5)
    assert run.step_unit == "step"
    assert run.epochs["loss"].steps.tolist() == [3, 6]
    assert run.steps["learning_rate"].steps.tolist() == [3, 6]


def test_a_sparse_keras_batch_loss_is_not_taken_for_a_loss(open_log, tmp_path):
    events = [scalar("batch_loss", step, 1.0) for step in (10, 20, 30)] + scalars("epoch_loss", [3, 2])
    write(tmp_path / "logs" / "exp" / "train", events)
    run = read(open_log, tmp_path / "logs")
    assert run.steps == {}
    assert run.step_unit == "epoch"


def test_lightning_step_and_epoch_losses_are_told_apart(open_log, tmp_path):
    events = scalars("train_loss_step", np.linspace(2, 1, 20)) + scalars("lr-Adam", [0.1] * 20)
    events += [scalar(tag, step, 1.0) for step in (9, 19) for tag in ("train_loss_epoch", "val_loss", "epoch")]
    write(tmp_path / "logs" / "lightning_logs" / "version_0", events)
    run = read(open_log, tmp_path / "logs", "lightning_logs/version_0")
    assert run.step_unit == "step"
    assert len(run.steps["loss"]) == 20
    assert len(run.steps["learning_rate"]) == 20
    assert run.epochs["loss"].steps.tolist() == run.epochs["val_loss"].steps.tolist() == [9, 19]


def test_hugging_face_names_are_known(open_log, tmp_path):
    events = [scalar("train/loss", step, 1 / step) for step in range(10, 101, 10)]
    events += [scalar("train/grad_norm", step, 2.0) for step in range(10, 101, 10)]
    events += [scalar("train/learning_rate", step, 1e-4) for step in range(10, 101, 10)]
    events += [scalar("eval/loss", step, 0.5) for step in (50, 100)] + [scalar("train/epoch", 10, 1.0)]
    write(tmp_path / "logs" / "exp", events)
    run = read(open_log, tmp_path / "logs")
    assert sorted(run.steps) == ["gradient_norm", "learning_rate", "loss"]
    assert run.epochs["val_loss"].steps.tolist() == [50, 100]
    assert run.step_unit == "step"


def test_training_and_validation_at_the_same_steps_are_epochs(open_log, tmp_path):
    events = scalars("Loss/train", [3, 2, 1]) + scalars("Loss/val", [3, 2, 2]) + scalars("lr", [1, 1, 1])
    write(tmp_path / "logs", events)
    run = read(open_log, tmp_path / "logs", ".")
    assert run.step_unit == "epoch"
    assert run.steps == {}
    assert sorted(run.epochs) == ["learning_rate", "loss", "val_loss"]


def test_a_validation_loss_counted_in_epochs_is_placed_among_training_steps_by_time(open_log, tmp_path):
    events = scalars("Loss/train", np.linspace(2, 1, 30), first=0, wall=START)
    events += scalars("Loss/val", [2, 1.5, 1.2], first=0, wall=START + 9.5, seconds=10)
    write(tmp_path / "logs" / "exp", events)
    run = read(open_log, tmp_path / "logs")
    assert run.step_unit == "step"
    assert run.epochs["val_loss"].steps.tolist() == [9, 19, 29]


def test_a_lone_loss_is_a_loss_per_step(open_log, tmp_path):
    write(tmp_path / "logs" / "exp", scalars("loss", [3, float("nan"), float("inf")]))
    run = read(open_log, tmp_path / "logs")
    np.testing.assert_array_equal(run.steps["loss"].values, [3, np.nan, np.inf])


def test_the_plainest_tag_of_several_losses_is_taken(open_log, tmp_path):
    write(tmp_path / "logs" / "exp", scalars("train/aux_loss", [9.0]) + scalars("train/loss", [1.0]))
    assert read(open_log, tmp_path / "logs").steps["loss"].values.tolist() == [1.0]


def test_a_second_fit_in_the_same_directory_replaces_what_it_repeats(open_log, tmp_path):
    directory = tmp_path / "logs" / "exp" / "train"
    write(directory, scalars("epoch_loss", [9, 8, 7, 6]), "events.out.tfevents.1.host")
    write(directory, scalars("epoch_loss", [5, 4], wall=START + 100), "events.out.tfevents.2.host")
    run = read(open_log, tmp_path / "logs")
    assert run.epochs["loss"].values.tolist() == [5, 4]
    assert run.restarts == ()


def test_scalars_without_a_known_role_make_an_empty_run(open_log, tmp_path):
    write(tmp_path / "logs" / "exp", scalars("temperature", [20.0, 21.0]))
    run = read(open_log, tmp_path / "logs")
    assert run.steps == run.epochs == {}
    assert run.last_step == 0


def test_a_tensor_of_ours_with_the_name_of_a_scalar_is_no_scalar(open_log, tmp_path):
    write(tmp_path / "logs" / "exp", [tensor("train/loss", 1, np.float32(1)), *scalars("val/loss", [2.0])])
    run = read(open_log, tmp_path / "logs")
    assert run.steps == {}
    assert sorted(run.epochs) == ["val_loss"]


@pytest.fixture(scope="module")
def keras_log(tmp_path_factory):
    """What Keras's own TensorBoard callback writes, batch losses included, and the true batch losses."""
    keras = pytest.importorskip("keras")
    log_dir = tmp_path_factory.mktemp("keras") / "logs"
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype(np.float32)
    callback = keras.callbacks.TensorBoard(str(log_dir / "exp"), update_freq=1, write_graph=False)
    y = x.sum(axis=1)
    model.fit(x, y, batch_size=8, epochs=3, validation_data=(x, y), verbose=0, callbacks=[callback], shuffle=False)
    return log_dir


def test_a_log_by_keras_itself_is_read(open_log, keras_log):
    run = read(open_log, keras_log)
    assert run.step_unit == "step"
    assert run.steps["loss"].steps.tolist() == list(range(1, 25))
    assert run.epochs["loss"].steps.tolist() == run.epochs["val_loss"].steps.tolist() == [8, 16, 24]
    means = run.steps["loss"].values.reshape(3, 8).mean(axis=1)
    np.testing.assert_allclose(means, run.epochs["loss"].values, rtol=1e-4)


def test_a_point_at_a_negative_step_is_skipped_by_name(open_log, tmp_path):
    write(tmp_path / "logs" / "exp", [scalar("loss", step, 1.0) for step in (-1, 0, 1)])
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [0, 1]
    assert run.skipped == ("scalar 'loss' of run 'exp': 1 of 3 records skipped (step -1, not in 0 … 2^53 - 1)",)


def test_keras_epochs_stay_at_their_steps_where_the_clock_was_set_back(open_log, tmp_path):
    walls = [START + step - (3600 if step > 12 else 0) for step in range(1, 31)]
    batches = [scalar("batch_loss", step, 1.0, wall) for step, wall in zip(range(1, 31), walls, strict=True)]
    epochs = [scalar("epoch_loss", epoch, 1.0, walls[10 * epoch + 9] + 0.5) for epoch in range(3)]
    write(tmp_path / "logs" / "exp" / "train", batches + epochs)
    assert read(open_log, tmp_path / "logs").epochs["loss"].steps.tolist() == [10, 20, 30]
