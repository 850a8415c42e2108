"""Where several processes take the step together, nothing that may wait for all of them is run by one alone."""

import subprocess
import sys

import pytest
from recording.reading import Records

RANKS = """
import datetime, sys, torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from tb_lossdiag.torch import watch

rank, where, way = int(sys.argv[1]), sys.argv[2], sys.argv[3]
wait = datetime.timedelta(seconds=40)
torch.distributed.init_process_group(
    "gloo", init_method="file://" + where + "/store", rank=rank, world_size=2, timeout=wait
)


class Gathers(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3))

    def forward(self, x):
        own = self.body(x)
        all_of_them = [torch.zeros_like(own) for _ in range(2)]
        torch.distributed.all_gather(all_of_them, own.detach())
        return own + 0.0 * sum(all_of_them)


def reduced(prediction, target):
    scale = torch.ones(())
    torch.distributed.all_reduce(scale)
    return nn.functional.cross_entropy(prediction, target) * scale / 2


torch.manual_seed(0)
model = DistributedDataParallel(Gathers())
optimizer = torch.optim.SGD(model.parameters(), 0.1)
with watch(model, optimizer, where + "/" + str(rank), loss=reduced if way == "loss" else None):
    for _ in range(12):
        optimizer.zero_grad()
        reduced(model(torch.randn(8, 4)), torch.arange(8) % 3).backward()
        optimizer.step()
torch.distributed.barrier()  # a process that leaves while the other still works may end it with an abort
torch.distributed.destroy_process_group()
"""


@pytest.mark.parametrize("way", ["forward", "loss"])
def test_a_step_whose_processes_meet_in_it_is_not_held_up(tmp_path, way):
    started = [subprocess.Popen([sys.executable, "-c", RANKS, str(rank), str(tmp_path), way]) for rank in range(2)]
    try:
        assert [process.wait(timeout=100) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    assert len(Records(tmp_path / "0").column("loss")) == 12
