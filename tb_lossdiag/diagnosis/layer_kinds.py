"""What is a layer for? Kinds of layers by what they do with their input, a user's subclasses among them.

Named as Keras names its layers; a recording of torch gives Keras's names too.
"""

from tb_lossdiag.run import LayerCard

# Bring data into the form that a model takes: nothing in them is trained by the loss, and their units are the data's.
PREPROCESSING = {
    "Normalization", "Rescaling", "Resizing", "CenterCrop", "Discretization", "CategoryEncoding", "Hashing",
    "HashedCrossing", "StringLookup", "IntegerLookup", "TextVectorization", "FeatureSpace", "MelSpectrogram",
    "STFTSpectrogram", "Pipeline",
}  # fmt: skip
# Keras's augmentation layers are Random… but for these.
AUGMENTING = {"AugMix", "AutoContrast", "CutMix", "Equalization", "MixUp", "RandAugment", "Solarization"}
# Bring what passes to a common scale; they have as many units as their input, whatever that is.
NORMALISING = {
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization",
    "SpectralNormalization",
}  # fmt: skip
# Replace numbers by what stands for them in a table.
LOOKUPS = {"Embedding", "ReversibleEmbedding", "Hashing", "StringLookup", "IntegerLookup", "TextVectorization"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU"}
# Take every number for what it is, so that its size matters.
NUMERIC = {
    "Dense", "EinsumDense", "Bilinear", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SimpleRNN", "LSTM",
    "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional", "RNN",
}  # fmt: skip
# Only move numbers about.
PASSIVE = {
    "InputLayer", "Flatten", "Reshape", "Permute", "Masking", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "GaussianNoise", "Identity", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D",
    "RepeatVector",
}  # fmt: skip


def kinds(layer: LayerCard) -> set[str]:
    """Its class's name, and those of the framework's layers that the class was derived from."""
    bases = layer.settings.get("bases")
    known = (layer.kind, *(bases if isinstance(bases, (list, tuple)) else ()))
    return {kind for kind in known if isinstance(kind, str)}


def is_one_of(layer: LayerCard, names: set[str]) -> bool:
    return not names.isdisjoint(kinds(layer))


def prepares_data(layer: LayerCard) -> bool:
    """Whether it is preprocessing or augmentation, and no part of what is trained."""
    augments = layer.kind.startswith("Random") and not layer.parameters
    return augments or is_one_of(layer, PREPROCESSING | AUGMENTING)
