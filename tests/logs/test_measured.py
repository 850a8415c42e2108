import numpy as np

from tb_lossdiag.logs.measured import step_series, written

NAN = np.nan


def columns(**values):
    return {name: np.array(column, float) for name, column in values.items()}


def read(**values):
    length = len(next(iter(values.values())))
    return step_series(np.arange(1, length + 1), columns(**values))


def test_records_between_samples_know_the_loss_only():
    series = read(sequence=[1, 2, 3], loss=[3, 2, 1], learning_rate=[0.1, NAN, 0.1], gradient_norm=[5, NAN, 4])
    assert series["loss"].steps.tolist() == [1, 2, 3]
    assert series["gradient_norm"].steps.tolist() == [1, 3]
    assert "sequence" not in series


def test_a_loss_that_is_nan_was_measured_as_nan():
    series = read(sequence=[1, 2, 3], loss=[1, NAN, NAN], learning_rate=[0.1, NAN, NAN])
    np.testing.assert_array_equal(series["loss"].values, [1, NAN, NAN])


def test_a_gradient_norm_that_is_nan_in_a_full_sample_was_measured_as_nan():
    series = read(
        loss=[1, 1, 1], learning_rate=[0.1, NAN, 0.1], gradient_norm=[2, NAN, NAN], gradient_nonfinite=[0, NAN, 7]
    )
    assert series["gradient_norm"].steps.tolist() == [1, 3]
    np.testing.assert_array_equal(series["gradient_norm"].values, [2, NAN])


def test_gradients_that_were_never_finite_still_make_a_series():
    series = read(loss=[NAN, NAN], learning_rate=[1, 1], gradient_norm=[NAN, NAN], gradient_nonfinite=[9, 9])
    assert np.isnan(series["gradient_norm"].values).tolist() == [True, True]


def test_the_rate_of_a_step_between_samples_makes_no_sample_of_it():
    series = read(
        loss=[1, 1, NAN, NAN],
        learning_rate=[0.1] * 4,
        loss_scale=[8] * 4,
        gradient_norm=[2, NAN, NAN, NAN],
        gradient_nonfinite=[0, NAN, NAN, 7],
    )
    assert series["learning_rate"].steps.tolist() == series["loss_scale"].steps.tolist() == [1, 2, 3, 4]
    assert series["gradient_norm"].steps.tolist() == [1, 4]


def test_a_norm_that_each_step_has_is_nan_where_the_loss_is_broken():
    series = read(loss=[1, 1, NAN], learning_rate=[0.1] * 3, gradient_norm=[2, 1, NAN])
    np.testing.assert_array_equal(series["gradient_norm"].values, [2, 1, NAN])


def test_a_column_nobody_wrote_is_absent():
    series = read(loss=[1, 1], learning_rate=[0.1, 0.1], update_norm=[NAN, NAN])
    assert sorted(series) == ["learning_rate", "loss"]


def test_a_norm_written_less_often_than_the_learning_rate_has_no_nan():
    series = read(loss=[1, 1, 1], learning_rate=[0.1, 0.1, 0.1], gradient_norm=[2, NAN, 3])
    assert series["gradient_norm"].steps.tolist() == [1, 3]


def test_written_counts_what_sampling_dropped():
    series = read(sequence=[2, 4, 8], loss=[1, 1, 1], learning_rate=[0.1, NAN, NAN])
    assert series["loss"].written == 8
    assert series["learning_rate"].written == 3


def test_a_second_writer_counts_from_1_again():
    assert written(np.array([1, 2, 3, 1, 2])) == 5
    assert written(np.array([NAN, 4, NAN])) == 4
    assert written(np.array([])) == 0
