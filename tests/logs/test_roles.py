import pytest

from tb_lossdiag.logs.roles import Role, role_of


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ("Loss/train", Role("loss", "train", "")),
        ("Loss/val", Role("loss", "validation", "")),
        ("train_loss_step", Role("loss", "train", "step")),
        ("train_loss_epoch", Role("loss", "train", "epoch")),
        ("val_loss", Role("loss", "validation", "")),
        ("eval/loss", Role("loss", "validation", "")),
        ("train/learning_rate", Role("learning_rate", "train", "")),
        ("lr-Adam", Role("learning_rate", "train", "", 1)),
        ("train/grad_norm", Role("gradient_norm", "train", "")),
        ("train/aux_loss", Role("loss", "train", "", 1)),
        ("Accuracy/test", Role("accuracy", "validation", "")),
        ("nll", Role("loss", "train", "")),
        ("cross entropy", Role("loss", "train", "")),
        ("epoch", None),
        ("train/epoch", None),
        ("glossary", None),
        ("", None),
        ("<script>alert(1)</script>", None),
    ],
)
def test_the_words_of_a_tag_tell_its_role(tag, role):
    assert role_of(tag, "train", keras=False) == role


def test_a_tag_without_a_split_takes_it_from_its_directory():
    assert role_of("loss", "validation", keras=False) == Role("loss", "validation", "")


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ("epoch_loss", Role("loss", "train", "epoch_number")),
        ("epoch_my_metric", Role("my_metric", "train", "epoch_number")),
        ("batch_loss", Role("loss", "train", "running_mean")),
        ("epoch_steps_per_second", None),
        ("evaluation_loss_vs_iterations", None),
        ("learning rate", Role("learning_rate", "train", "")),
    ],
)
def test_keras_prefixes_count_in_a_log_of_keras(tag, role):
    assert role_of(tag, "train", keras=True) == role
