"""How is a fix written for a PyTorch loop? The code of each fix anew, with the numbers that the fix found.

As everywhere, names from a log enter code through repr only.
"""

import re
from collections.abc import Callable

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.settings import SIGMOID, hidden_layers, learning_rate, momentum, optimizer_name
from tb_lossdiag.diagnosis.snippets import class_name, rounded

SHOWN = 4
OF_KERAS = re.compile(r"\b(keras|model\.(fit|compile|predict))\b")
RENAMED = {"Nadam": "NAdam"}
SATURATING = SIGMOID | {"tanh", "softmax"}


def code(fix: Callable, f: Findings, written: str) -> str:
    """The fix's code for torch. written: for Keras; kept where nothing in it is Keras's, "" where only words remain."""
    make = CODE.get(fix.__name__)
    if make is not None:
        return make(f, written)
    return "" if OF_KERAS.search(written) else written


def _optimizer(f: Findings, written: str, name: str = "", more: str = "") -> str:
    rate = _number("learning_rate", written) or (rounded(known) if (known := learning_rate(f.run)) else "")
    kept = "" if name else momentum(f.run)
    parts = [
        "model.parameters()",
        f"lr={rate}" if rate else "",
        f"momentum={kept:g}" if kept else "",
        f"eps={epsilon}" if (epsilon := _number("epsilon", written)) else "",
        more,
    ]
    name = name or class_name(optimizer_name(f.run))
    name = RENAMED.get(name, name)
    return f"optimizer = torch.optim.{name}({', '.join(part for part in parts if part)})"


def _number(keyword: str, written: str) -> str | None:
    found = re.search(rf"\b{keyword}=([0-9.e+-]+)", written)
    return found[1] if found else None


def _clip(f: Findings, written: str) -> str:
    norm = _number("global_clipnorm", written) or "1.0"
    return f"loss.backward()\ntorch.nn.utils.clip_grad_norm_(model.parameters(), {norm})\noptimizer.step()"


def _loss(f: Findings, written: str) -> str:
    if "binary_crossentropy" in written or "BinaryCrossentropy" in written:
        return "criterion = torch.nn.BCEWithLogitsLoss()  # takes logits: no sigmoid in front of it"
    if "'mse'" in written or "mean_squared_error" in written:
        return "criterion = torch.nn.MSELoss()  # and no activation behind the last layer"
    return "criterion = torch.nn.CrossEntropyLoss()  # takes logits: no softmax in front of it"


def _weights(f: Findings, written: str) -> str:
    weights = re.findall(r"\d+: ([0-9.e+-]+)", written)
    if len(weights) == 2:
        ratio = rounded(float(weights[1]) / float(weights[0]), 2)
        return f"criterion = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor({ratio}))"
    if weights:
        return f"criterion = torch.nn.CrossEntropyLoss(weight=torch.tensor([{', '.join(weights)}]))"
    return (
        "counts = torch.bincount(y)\n"
        "criterion = torch.nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts.float()))"
    )


def _behind(paths: list[str], module: str) -> str:
    return "\n".join(f"torch.nn.{module}()  # behind {path!r}" for path in paths[:SHOWN])


def _hidden(f: Findings, written: str) -> str:
    return _behind([layer.path for layer in hidden_layers(f.run)], "ReLU")


def _saturating(f: Findings, written: str) -> str:
    layers = f.run.card.layers[:-1] if f.run.card else ()
    return _behind([layer.path for layer in layers if layer.activation in SATURATING], "ReLU")


def _set(check: str, attribute: str) -> Callable[[Findings, str], str]:
    def lines(f: Findings, written: str) -> str:
        modules = [f"model.get_submodule({_dotted(path)!r})" for path in f.checks[check].layers[:SHOWN]]
        return "\n".join(f"{module}.{attribute}" for module in modules)

    return lines


def _dotted(path: str) -> str:
    return path.replace("/", ".")


def _loader(f: Findings, written: str) -> str:
    size = _number("batch_size", written) or "32"
    return f"loader = torch.utils.data.DataLoader(dataset, batch_size={size}, shuffle=True)"


def _initialise(f: Findings, written: str) -> str:
    modules = [f"model.get_submodule({_dotted(path)!r})" for path in f.checks["initialization"].layers[:SHOWN]]
    lines = [
        f"torch.nn.init.kaiming_normal_({module}.weight, nonlinearity='relu')\ntorch.nn.init.zeros_({module}.bias)"
        for module in modules
    ]
    return "\n".join(lines)


def _unseen(f: Findings, written: str) -> str:
    return written if "x_val" in written else _set("train_eval_gap", "momentum = 0.1")(f, written)


CODE: dict[str, Callable[[Findings, str], str]] = {
    **dict.fromkeys(("lower_learning_rate", "raise_learning_rate", "set_learning_rate", "shrink_epsilon"), _optimizer),
    **dict.fromkeys(("clip", "loosen_clipping"), _clip),
    **dict.fromkeys(("pair", "logits"), _loss),
    **dict.fromkeys(("shuffle", "rebatch"), _loader),
    "switch_optimizer": lambda f, written: _optimizer(f, written, "Adam"),
    "apply_updates": lambda f, written: f"{_optimizer(f, written)}\nloss.backward()\noptimizer.step()",
    "decay_rate": lambda f, written: (
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, "
        f"T_max={_number('decay_steps', written) or 1000})\nscheduler.step()  # behind each optimizer.step()"
    ),
    "raise_precision": lambda f, written: (
        "scaler = torch.amp.GradScaler()\nscaler.scale(loss).backward()\nscaler.step(optimizer)\nscaler.update()"
    ),
    "regularise": lambda f, written: _optimizer(f, written, "AdamW", "weight_decay=0.01"),
    "normalise": lambda f, written: (
        "mean, std = x.mean(0), x.std(0)\n"
        "x = (x - mean) / (std + 1e-7)  # with the same mean and std for validation and new data"
    ),
    "scale_targets": lambda f, written: (
        "mean, std = y.mean(0), y.std(0)\n"
        "loss = criterion(model(x), (y - mean) / std)\n"
        "predictions = model(x) * std + mean"
    ),
    "weigh_classes": _weights,
    "less_dropout": _set("architecture", "p = 0.3"),
    "align_evaluation": _unseen,
    "initialise": _initialise,
    "unfreeze": _set("trainable", "requires_grad_(True)"),
    "reconnect": lambda f, written: (
        "loss.backward()\nprint([name for name, parameter in model.named_parameters() if parameter.grad is None])"
    ),
    "swap_activation": _hidden,
    "shorten_gradient_path": _saturating,
    "leak": lambda f, written: _behind(list(f.checks["dead_units"].layers), "LeakyReLU"),
    "desaturate": lambda f, written: "\n".join(
        f"torch.nn.LayerNorm(width)  # in front of {path!r}" for path in f.checks["saturated_units"].layers[:1]
    ),
}
