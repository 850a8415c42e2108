"""Torch modules under the names that the diagnosis knows from Keras."""

import pytest
from torch import nn

from tb_lossdiag.torch.kinds import activation_name, kind, settings


class Own(nn.Linear):
    pass


@pytest.mark.parametrize(
    ("module", "name", "activation"),
    [
        (nn.Linear(2, 2), "Dense", "linear"),
        (Own(2, 2), "Dense", "linear"),
        (nn.Conv2d(1, 1, 3), "Conv2D", "linear"),
        (nn.ConvTranspose1d(1, 1, 3), "Conv1DTranspose", "linear"),
        (nn.BatchNorm2d(2), "BatchNormalization", None),
        (nn.LayerNorm(2), "LayerNormalization", None),
        (nn.Dropout(), "Dropout", None),
        (nn.Dropout2d(), "SpatialDropout2D", None),
        (nn.Embedding(2, 2), "Embedding", None),
        (nn.LSTM(2, 2), "LSTM", "tanh"),
        (nn.RNN(2, 2, nonlinearity="relu"), "SimpleRNN", "relu"),
        (nn.GRU(2, 2, bidirectional=True), "Bidirectional", "tanh"),
        (nn.MultiheadAttention(2, 1), "MultiHeadAttention", None),
        (nn.MaxPool2d(2), "MaxPooling2D", None),
        (nn.Flatten(), "Flatten", None),
        (nn.ReLU(), "ReLU", "relu"),
        (nn.ReLU6(), "Activation", "relu6"),
        (nn.LeakyReLU(), "LeakyReLU", "leaky_relu"),
        (nn.SiLU(), "Activation", "silu"),
        (nn.Sigmoid(), "Activation", "sigmoid"),
        (nn.Softmax(-1), "Softmax", "softmax"),
        (nn.LogSoftmax(-1), "Activation", "log_softmax"),
        (nn.Bilinear(1, 1, 1), "Bilinear", "linear"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else value,
)
def test_a_module_has_keras_name_and_activation(module, name, activation):
    assert (kind(module), activation_name(module)) == (name, activation)


def test_a_batch_norms_momentum_is_the_share_that_is_kept():
    assert settings(nn.BatchNorm1d(2, momentum=0.1)) == {"momentum": 0.9, "epsilon": 1e-5}
    assert "momentum" not in settings(nn.BatchNorm1d(2, track_running_stats=False))


def test_settings_have_keras_names():
    assert settings(nn.Dropout(0.3)) == {"rate": 0.3}
    assert settings(nn.Conv2d(3, 8, 5)) == {"kernel_size": [5, 5], "filters": 8, "use_bias": True}
    assert settings(nn.Embedding(10, 4)) == {"input_dim": 10, "output_dim": 4}
    assert settings(nn.LSTM(3, 5))["units"] == 5
