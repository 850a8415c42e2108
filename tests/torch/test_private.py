"""Whichever private name a version lacks, a training ends as it does without us, and is recorded or told about once."""

import warnings

import pytest
import torch
from private_names import FILES, names, without
from recording.reading import Records
from recording.small_models import same
from recording.torch_fits import fit
from recording.torch_loops import mlp, plain
from torch import nn

from tb_lossdiag import schema
from tb_lossdiag.torch import private, watch

KERAS, TORCH = names(*FILES["torch"]), names(private.__name__)
ON_KERAS = {**{name.name: (name,) for name in KERAS}, "all of them": tuple(KERAS)}
PLAIN = {**{name.name: (name,) for name in TORCH}, "all of them": tuple(TORCH)}


@pytest.mark.parametrize("gone", ON_KERAS)
def test_a_fit_of_keras_ends_as_without_us(gone, tmp_path):
    state, history, _ = fit(None)
    with without(ON_KERAS[gone]):
        recorded, recorded_history, told = fit(tmp_path)
    assert same(state, recorded)
    assert history == recorded_history
    assert (len(told), bool(Records(tmp_path).steps(schema.LAYERS))) in ((0, True), (1, False))


@pytest.mark.parametrize("gone", PLAIN)
def test_a_loop_ends_as_without_us(gone, tmp_path):
    def train(watched):
        model, criterion = mlp(), nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters())
        if not watched:
            plain(model, optimizer, criterion)
            return model.state_dict()
        with without(PLAIN[gone]), watch(model, optimizer, tmp_path, every=2):
            plain(model, optimizer, criterion)
        return model.state_dict()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bare, recorded = train(watched=False), train(watched=True)
    assert all(torch.equal(bare[name], recorded[name]) for name in bare)
    said = [warning for warning in told if "tb_lossdiag" in str(warning.message)]
    assert (len(said), bool(Records(tmp_path).steps(schema.LAYERS))) in ((0, True), (1, False))


@pytest.mark.parametrize("name", ["_ConvNd", "_ConvTransposeNd", "_DropoutNd", "_BatchNorm", "_InstanceNorm"])
def test_without_the_private_class_a_family_is_its_public_modules(name):
    (wanted,) = (known for known in TORCH if known.attribute == name)
    public = f"{name[1:].removesuffix('Nd')}{{}}d"
    with without((wanted,)):
        family = private._family(wanted, public)
    assert family == tuple(getattr(nn, public.format(n)) for n in (1, 2, 3))
