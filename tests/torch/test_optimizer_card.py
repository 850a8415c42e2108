"""An optimizer's settings under Keras's names."""

import torch

from tb_lossdiag.torch.optimizer_card import optimizer_card

PARAMETERS = [torch.nn.Parameter(torch.zeros(1))]


def test_settings_have_keras_names():
    card = optimizer_card(torch.optim.SGD(PARAMETERS, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4))
    assert card["name"] == "SGD"
    config = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    assert card["config"] | config == card["config"]
    config = optimizer_card(torch.optim.AdamW(PARAMETERS, torch.tensor(0.25), betas=(0.5, 0.75), eps=1e-3))["config"]
    assert [config[key] for key in ("learning_rate", "beta_1", "beta_2", "epsilon")] == [0.25, 0.5, 0.75, 1e-3]
    assert optimizer_card(torch.optim.RMSprop(PARAMETERS, alpha=0.5))["config"]["rho"] == 0.5
    assert optimizer_card(torch.optim.NAdam(PARAMETERS))["name"] == "Nadam"


def test_what_json_has_no_type_for_becomes_text():
    optimizer = torch.optim.SGD([{"params": PARAMETERS, "tags": {1}}], 0.1)
    assert optimizer_card(optimizer)["config"]["tags"] == "{1}"
