"""The families in PyTorch. Nothing here loads TensorFlow, beside which PyTorch's compiler crashes."""

from benchmarks.zoo.families import (
    contrastive,
    cosine,
    ctc,
    decoder,
    denoiser,
    dice,
    dqn,
    focal,
    gan,
    noisy_labels,
    ntxent,
    pinn,
    row_reader,
    sensors,
    shared_trunk,
    torch_images,
    torch_vae,
    translation,
)
from benchmarks.zoo.families.family import Family

IN_TORCH: tuple[Family, ...] = (
    focal.FAMILY,
    dice.FAMILY,
    cosine.FAMILY,
    ctc.FAMILY,
    contrastive.FAMILY,
    ntxent.FAMILY,
    torch_vae.FAMILY,
    shared_trunk.FAMILY,
    translation.FAMILY,
    denoiser.FAMILY,
    gan.FAMILY,
    decoder.FAMILY,
    pinn.FAMILY,
    dqn.FAMILY,
    noisy_labels.FAMILY,
    torch_images.FAMILY,
    row_reader.FAMILY,
    sensors.FAMILY,
)
