import pytest
import synthetic as s

from tb_lossdiag.diagnosis.callbacks import better, callbacks


@pytest.mark.parametrize("metric", ["loss", "val_loss", "head_loss", "val_head_loss"])
def test_a_loss_gets_better_as_it_falls(metric):
    assert better(metric) == "min"


@pytest.mark.parametrize("metric", ["accuracy", "val_acc", "val_sparse_categorical_accuracy", "auc", "val_recall_1"])
def test_right_answers_get_better_as_they_rise(metric):
    assert better(metric) == "max"


@pytest.mark.parametrize("metric", ["val_psnr", "val_brier_score", "reward", "val_fid_score", "lossless", "mae", ""])
def test_of_another_metric_nobody_knows(metric):
    assert better(metric) is None


def test_what_is_malformed_is_left_out():
    written = [{"name": "A", "config": {"x": 1}}, {"name": "B", "config": 3}, {"name": 3}, "C", None, {}]
    assert callbacks(s.healthy(card=s.card(settings={"callbacks": written}))) == (("A", {"x": 1}), ("B", {}))
    assert callbacks(s.healthy(card=s.card(settings={"callbacks": 3}))) == callbacks(s.healthy(card=None)) == ()
