"""The card of a torch training, as its log tells it."""

import subprocess
import sys

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(4 * 9, 2)

    def forward(self, image):
        x = F.max_pool2d(F.relu(self.bn(self.conv(image))), 2)
        return self.fc(self.drop(x.flatten(1)))


def card_of(log_dir, model, criterion, target, autocast=False, x=None):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, log_dir, loss=criterion):
        with torch.autocast("cpu", enabled=autocast):
            loss = criterion(model(torch.randn(8, 1, 8, 8) if x is None else x), target)
        loss.backward()
        optimizer.step()
    return Records(log_dir).card


def test_a_card_tells_what_the_user_wrote(tmp_path):
    card = card_of(tmp_path, Images(), nn.CrossEntropyLoss(), torch.tensor([0, 1] * 4))
    assert card.framework == f"torch {torch.__version__}"
    assert card.model == "Images"
    assert [(layer.path, layer.kind, layer.activation, layer.units, layer.inputs) for layer in card.layers] == [
        ("conv", "Conv2D", "linear", 4, ()),
        ("bn", "BatchNormalization", "relu", 4, ("conv",)),
        ("drop", "Dropout", None, 36, ("bn",)),
        ("fc", "Dense", "linear", 2, ("drop",)),
    ]
    assert card.layer("conv").settings["kernel_fan_in"] == 9
    assert card.layer("drop").settings["rate"] == 0.25
    assert card.loss == {"name": "SparseCategoricalCrossentropy", "from_logits": True, "reads_logits": False}
    assert card.optimizer["name"] == "SGD"
    assert (card.batch_size, card.precision, card.settings["classes"]) == (8, "float32", 2)
    assert card.parameters == card.trainable_parameters == 40 + 8 + 74


def test_autocast_and_narrow_weights_are_told(tmp_path):
    target = torch.tensor([0, 1] * 4)
    assert card_of(tmp_path / "a", Images(), nn.CrossEntropyLoss(), target, True).precision == "mixed_bfloat16"
    card = card_of(
        tmp_path / "b", nn.Linear(3, 2).bfloat16(), nn.MSELoss(), torch.zeros(4, 2), x=torch.ones(4, 3).bfloat16()
    )
    assert card.precision == card.settings["variable_dtype"] == "bfloat16"
    assert [layer.path for layer in card.layers] == ["Linear"]


def test_watching_loads_neither_tensorflow_nor_keras():
    code = "import sys, tb_lossdiag.torch; print(*({'tensorflow', 'keras', 'jax'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_torch_the_error_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; import tb_lossdiag.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'tb-lossdiag[torch]'" in done.stderr


RANKS = """
import os, sys, torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from tb_lossdiag.torch import watch
rank = int(sys.argv[1])
torch.distributed.init_process_group("gloo", init_method="file://" + sys.argv[2] + "/store", rank=rank, world_size=2)
torch.manual_seed(rank)
model, criterion = DistributedDataParallel(nn.Linear(3, 1)), nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
with watch(model, optimizer, sys.argv[2] + "/" + str(rank), loss=criterion):
    for _ in range(2):
        optimizer.zero_grad()
        criterion(model(torch.randn(4, 3)), torch.zeros(4, 1)).backward()
        optimizer.step()
torch.distributed.barrier()  # a process that leaves while the other still works may end it with an abort
torch.distributed.destroy_process_group()
os._exit(0)  # on a busy machine gloo's own threads may end the interpreter's shutdown with an abort
"""


def test_of_several_processes_only_the_first_records(tmp_path):
    ranks = [subprocess.Popen([sys.executable, "-c", RANKS, str(rank), str(tmp_path)]) for rank in range(2)]
    assert [process.wait(timeout=60) for process in ranks] == [0, 0]
    assert not (tmp_path / "1").exists()
    assert [row.name for row in Records(tmp_path / "0").card.rows] == ["weight", "bias", "Linear"]


class Rows(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        x = self.layer(x, x, x) if isinstance(self.layer, nn.MultiheadAttention) else self.layer(x)
        return self.fc((x[0] if isinstance(x, tuple) else x)[:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, nn.MultiheadAttention])
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_layer_that_has_the_steps_in_front_says_what_it_takes_its_input_for(tmp_path, kind, batch_first):
    size = {"num_heads": 2} if kind is nn.MultiheadAttention else {"hidden_size": 6}
    model = Rows(kind(6, **size, batch_first=batch_first))
    card = card_of(tmp_path, model, nn.CrossEntropyLoss(), torch.tensor([0, 1] * 4), x=torch.randn(8, 5, 6))
    known = card.layer("layer").settings
    read_as = {name: known[name] for name in ("sequence_steps", "sequence_examples") if name in known}
    assert read_as == ({} if batch_first else {"sequence_steps": 8, "sequence_examples": 5})
    assert card.batch_size == 8
