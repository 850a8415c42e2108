"""The public surface is what design.md says, and every name of it can be fetched."""

import inspect

import pytest

import tb_lossdiag


def test_the_declared_names_are_the_public_api():
    assert tb_lossdiag.__all__ == [
        "DiagnosticsWriter",
        "LossDiagnostics",
        "ModelCard",
        "Report",
        "TrainingMonitor",
        "diagnose",
    ]


@pytest.mark.parametrize("name", tb_lossdiag.__all__)
def test_every_public_name_resolves_and_explains_itself(name):
    assert inspect.getdoc(getattr(tb_lossdiag, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Watcher'"):
        tb_lossdiag.Watcher  # noqa: B018  the access is the test
