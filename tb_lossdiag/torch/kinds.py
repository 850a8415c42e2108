"""What would Keras call this module? Its kind, its activation, and the settings that a diagnosis reads."""

from typing import Any

from torch import nn

from tb_lossdiag.torch.private import BATCH_NORMS, CONVOLUTIONS, DROPOUTS, INSTANCE_NORMS

WEIGHTED = (nn.Linear, nn.Bilinear, *CONVOLUTIONS)  # modules that could have an activation, as in Keras
RECURRENT = (nn.LSTM, nn.GRU, nn.RNN)
NORMALISING = (*BATCH_NORMS, *INSTANCE_NORMS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
# These run inner modules in a way of their own, or not as modules at all: they count as one layer.
LEAVES = (*WEIGHTED, *RECURRENT, *NORMALISING, nn.MultiheadAttention, nn.Embedding, nn.EmbeddingBag)

# Subclasses stand before what they inherit from.
_ACTIVATIONS = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.LeakyReLU: "leaky_relu",
    nn.RReLU: "leaky_relu",
    nn.PReLU: "prelu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.CELU: "celu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Mish: "mish",
    nn.Sigmoid: "sigmoid",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.LogSigmoid: "log_sigmoid",
    nn.Hardswish: "hard_silu",
    nn.Tanh: "tanh",
    nn.Hardtanh: "hard_tanh",
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Softplus: "softplus",
    nn.Softsign: "softsign",
    nn.GLU: "glu",
    nn.Threshold: "threshold",
}
_KINDS = {
    nn.Linear: "Dense",
    **{getattr(nn, f"Conv{n}d"): f"Conv{n}D" for n in (1, 2, 3)},
    **{getattr(nn, f"ConvTranspose{n}d"): f"Conv{n}DTranspose" for n in (1, 2, 3)},
    **{getattr(nn, f"Dropout{n}d"): f"SpatialDropout{n}D" for n in (1, 2, 3)},
    **{getattr(nn, f"MaxPool{n}d"): f"MaxPooling{n}D" for n in (1, 2, 3)},
    **{getattr(nn, f"AvgPool{n}d"): f"AveragePooling{n}D" for n in (1, 2, 3)},
    **dict.fromkeys(BATCH_NORMS, "BatchNormalization"),
    nn.LayerNorm: "LayerNormalization",
    nn.GroupNorm: "GroupNormalization",
    nn.RMSNorm: "RMSNormalization",
    nn.Dropout: "Dropout",
    nn.AlphaDropout: "AlphaDropout",
    nn.EmbeddingBag: "Embedding",
    nn.MultiheadAttention: "MultiHeadAttention",
    nn.Unflatten: "Reshape",
    nn.RNN: "SimpleRNN",
}
_KERAS_LAYERS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.Softmax)  # other activations are an Activation layer there


def kind(module: nn.Module) -> str:
    """Keras's class name where it has such a layer, else torch's."""
    if isinstance(module, RECURRENT) and module.bidirectional:
        return "Bidirectional"
    if isinstance(module, tuple(_ACTIVATIONS)) and not isinstance(module, _KERAS_LAYERS):
        return "Activation"
    return _first(_KINDS, module) or type(module).__name__


def activation_name(module: nn.Module) -> str | None:
    """Keras's name of it; "linear" where a module could have one and has none, None where there is no such notion."""
    if isinstance(module, WEIGHTED):
        return "linear"
    if isinstance(module, RECURRENT):
        return getattr(module, "nonlinearity", "tanh")
    return _first(_ACTIVATIONS, module)


def settings(module: nn.Module) -> dict[str, Any]:
    """Under Keras's names; a batch norm's momentum is there the share of the old average that is kept."""
    given: dict[str, Any] = {}
    if isinstance(module, DROPOUTS):
        given["rate"] = module.p
    if isinstance(module, BATCH_NORMS) and module.track_running_stats and module.momentum:
        given["momentum"] = 1.0 - module.momentum
    if isinstance(module, NORMALISING):
        given["epsilon"] = module.eps
    if isinstance(module, CONVOLUTIONS):
        given |= {"kernel_size": list(module.kernel_size), "filters": module.out_channels}
    if isinstance(module, nn.Linear):
        given["units"] = module.out_features
    if isinstance(module, (nn.Linear, *CONVOLUTIONS)):
        given["use_bias"] = module.bias is not None
    if isinstance(module, RECURRENT):
        given |= {"units": module.hidden_size, "return_sequences": True, "dropout": module.dropout}
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        given |= {"input_dim": module.num_embeddings, "output_dim": module.embedding_dim}
    if isinstance(module, nn.LeakyReLU):
        given["negative_slope"] = module.negative_slope
    return given


def _first(names: dict[type, str], module: nn.Module) -> str | None:
    return next((name for kind, name in names.items() if isinstance(module, kind)), None)
