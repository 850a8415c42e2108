"""A watched PyTorch loop takes a URL and a relative path, and refuses what cannot be written at once."""

import fsspec
import pytest
import torch

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch

MODEL = torch.nn.Linear(4, 1)
OPTIMIZER = torch.optim.SGD(MODEL.parameters(), lr=0.1)


@pytest.mark.parametrize("url", ["nowhere://run", "https://host/run", "gs:/bucket/run"])
def test_a_url_that_cannot_be_written_is_refused_at_construction(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"log_dir='{url}'"):
        watch(MODEL, OPTIMIZER, url)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_is_recorded_behind_a_url():
    files = fsspec.filesystem("memory")
    files.store.clear()
    with watch(MODEL, OPTIMIZER, "memory://logs/run1"):
        for _ in range(5):
            OPTIMIZER.zero_grad()
            MODEL(torch.ones(8, 4)).square().mean().backward()
            OPTIMIZER.step()
    assert diagnose("memory://logs")["run1"].facts
    files.store.clear()
