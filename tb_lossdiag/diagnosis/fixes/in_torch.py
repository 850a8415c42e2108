"""How is a fix written for a PyTorch loop? The code of each fix anew, with the numbers that the fix found.

As it stands it runs where the loop has its model, optimizer, criterion, x and y. As everywhere, names from a log enter
code through repr only.
"""

import re
from collections.abc import Callable

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.missing import missing_share
from tb_lossdiag.diagnosis.output_layer import output_layer, output_units
from tb_lossdiag.diagnosis.piecewise import piecewise_layers
from tb_lossdiag.diagnosis.reference import BINARY, loss_name, value_range
from tb_lossdiag.diagnosis.settings import (
    hidden_layers,
    learning_rate,
    momentum,
    optimizer_name,
    saturating_layers,
)
from tb_lossdiag.diagnosis.snippets import class_name, rounded
from tb_lossdiag.run import LayerCard

SHOWN = 8
OF_KERAS = re.compile(r"\b(keras|tf|np|model\.(fit|compile|predict|get_layer|trainable|compute_loss))\b")
RENAMED = {"Nadam": "NAdam"}
STEP = "optimizer.zero_grad()\nloss = criterion(model(x), y)\nloss.backward()"

APART = """model.eval()
with torch.no_grad():
    print((model(x[:8])[4:] - model(x[4:8])).abs().max())  # 0 once mended
model.train()"""


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
    return f"{STEP}\ntorch.nn.utils.clip_grad_norm_(model.parameters(), {norm})\noptimizer.step()"


def _loss(f: Findings, written: str) -> str:
    fault = f.checks["loss_pairing"].sign("fault")
    if fault == "probabilities_as_logarithms":
        return "outputs = model(x).clamp_min(1e-9).log()  # or log_softmax in the place of softmax"
    if fault == "logits_as_logarithms":
        return "outputs = torch.nn.functional.log_softmax(model(x), dim=-1)"
    if fault == "outside_the_loss":
        inside = "sigmoid" if value_range(f.run, "target")[1] <= 1 else "nn.functional.softplus"
        return f"outputs = torch.{inside}(model(x))"
    if "binary_crossentropy" in written or "BinaryCrossentropy" in written:
        return _as_logits(f, "criterion = torch.nn.BCEWithLogitsLoss()  # takes logits: no sigmoid in front of it")
    if "'mse'" in written or "mean_squared_error" in written or "model.loss" in written:
        return _as_logits(f, "criterion = torch.nn.MSELoss()  # and no activation behind the last layer")
    return _as_logits(f, "criterion = torch.nn.CrossEntropyLoss()  # takes logits: no softmax in front of it")


def _as_logits(f: Findings, criterion: str) -> str:
    """The criterion, and the activation at the model's end taken out where it is a module of its own."""
    output = output_layer(f.run.card) if f.run.card else None
    if output is None or output.parameters or output.activation in (None, "linear") or not output.path:
        return criterion
    return f"{_replaced(output.path, 'Identity')}\n{criterion}"


def _replaced(path: str, module: str) -> str:
    return f"model.set_submodule({_dotted(path)!r}, torch.nn.{module}())"


def _activated(layers: list[LayerCard], module: str) -> str:
    """Other activations: in their place where they are modules, else told where they belong."""
    lines = [
        f"torch.nn.{module}()  # behind {one.path!r}" if one.parameters else _replaced(one.path, module)
        for one in layers[:SHOWN]
        if one.path
    ]
    return "\n".join(lines)


def _weights(f: Findings, written: str) -> str:
    weights = re.findall(r"\d+: ([0-9.e+-]+)", written)
    if len(weights) == 2 and (output_units(f.run.card) if f.run.card else None) in (1, None):
        ratio = rounded(float(weights[1]) / float(weights[0]), 2)
        return f"criterion = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor({ratio}))"
    if weights:
        return f"criterion = torch.nn.CrossEntropyLoss(weight=torch.tensor([{', '.join(weights)}]))"
    return (
        "counts = torch.bincount(y.flatten().long()).clamp(min=1)\n"
        "criterion = torch.nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts.float()))"
    )


def _swap(f: Findings, written: str) -> str:
    hidden = {layer.path: layer for layer in (*saturating_layers(f.run), *hidden_layers(f.run))}
    bare = [layer for layer in hidden.values() if not layer.parameters]
    return _activated(bare or list(hidden.values()), "ReLU")


def _leak(f: Findings, written: str) -> str:
    card = f.run.card
    known = [card.layer(path) for path in f.checks["dead_units"].layers] if card else []
    return _activated([layer for layer in known if layer is not None], "LeakyReLU")


def _set(check: str, attribute: str) -> Callable[[Findings, str], str]:
    def lines(f: Findings, written: str) -> str:
        paths = [path for path in f.checks[check].layers[:SHOWN] if path]
        return "\n".join(f"model.get_submodule({_dotted(path)!r}).{attribute}" for path in paths)

    return lines


def _dotted(path: str) -> str:
    return path.replace("/", ".")


def _unfreeze(f: Findings, written: str) -> str:
    return (
        "model.requires_grad_(True)"
        if "(model, *model.layers)" in written
        else _set("trainable", "requires_grad_(True)")(f, "")
    )


def _loader(f: Findings, written: str) -> str:
    size = _number("batch_size", written) or "32"
    rows = "torch.utils.data.TensorDataset(x, y)"
    return f"loader = torch.utils.data.DataLoader({rows}, batch_size={size}, shuffle=True)"


def _initialise(f: Findings, written: str) -> str:
    card = f.run.card
    known = [card.layer(path) for path in f.checks["initialization"].layers[:SHOWN]] if card else []
    lines = []
    for layer in known:
        if layer is not None and layer.path and layer.kind in ("Dense", "Conv1D", "Conv2D", "Conv3D"):
            module = f"model.get_submodule({_dotted(layer.path)!r})"
            lines.append(f"torch.nn.init.kaiming_normal_({module}.weight, nonlinearity='relu')")
            if layer.number("bias_max") is not None:
                lines.append(f"torch.nn.init.zeros_({module}.bias)")
    return "\n".join(lines)


def _narrow(f: Findings, written: str) -> str:
    layers = f.run.card.layers if f.run.card else ()
    paths = [one.path for one in layers if one.kind == "Embedding" and one.path][:SHOWN]
    return "\n".join(
        f"torch.nn.init.normal_(model.get_submodule({_dotted(path)!r}).weight, std=0.02)" for path in paths
    )


def _unseen(f: Findings, written: str) -> str:
    return written if "x_val" in written else _set("train_eval_gap", "momentum = 0.1")(f, written)


def _clean(f: Findings, written: str) -> str:
    if f.checks["nonfinite"].sign("place") == "target":
        if missing_share(f.run, "target") == "rows":
            return "good = torch.isfinite(y).reshape(len(y), -1).all(1)\nx, y = x[good], y[good]"
        return "print(torch.isfinite(y).float().mean(0))  # the share of good targets"
    if missing_share(f.run, "input") == "rows":
        return "good = torch.isfinite(x).flatten(1).all(1)\nx, y = x[good], y[good]"
    return (
        "mean = torch.where(torch.isfinite(x), x, torch.nan).nanmean(0).nan_to_num()\n"
        "x = torch.where(torch.isfinite(x), x, mean)"
    )


def _labels(f: Findings, written: str) -> str:
    level = f.checks["targets"].sign("level")
    if level == "fractional":
        return "y = torch.unique(y, return_inverse=True)[1].reshape(y.shape)  # the scaling undone; scale x only"
    if level == "constant":
        return "print(torch.unique(y, return_counts=True))"
    if level == "none_hot":
        return "print(y.sum(0))  # how often each class is set"
    if "'mse'" in written:
        return f"{SCALED}\n{_as_logits(f, 'criterion = torch.nn.MSELoss()')}"
    if "y > " in written and f.run.card and loss_name(f.run.card) in BINARY:
        return written.splitlines()[0].replace(".astype('float32')", ".float()")
    return "y = y - y.min()" if "y.min()" in written else ""


SCALED = "y = y.float()\nmean, std = y.mean(0), y.std(0)\ny = (y - mean) / (std + 1e-7)"
PAIRED = (
    "order = torch.randperm(len(x))\n"
    "x, y = x[order], y[order]  # never one without the other\n"
    "for row, label in zip(x[:5], y[:5]):\n"
    "    print(label, row)"
)
SCALED_STEP = (
    "scaler = torch.amp.GradScaler(x.device.type)\n"
    "optimizer.zero_grad()\n"
    "with torch.autocast(x.device.type, dtype=torch.float16):\n"
    "    loss = criterion(model(x), y)\n"
    "scaler.scale(loss).backward()\n"
    "scaler.step(optimizer)\n"
    "scaler.update()"
)

CODE: dict[str, Callable[[Findings, str], str]] = {
    **dict.fromkeys(("lower_learning_rate", "raise_learning_rate", "set_learning_rate", "shrink_epsilon"), _optimizer),
    **dict.fromkeys(("clip", "loosen_clipping"), _clip),
    **dict.fromkeys(("pair", "logits"), _loss),
    **dict.fromkeys(("shuffle", "rebatch"), _loader),
    "switch_optimizer": lambda f, written: _optimizer(f, "learning_rate=0.001", "Adam"),
    "apply_updates": lambda f, written: f"{_optimizer(f, written)}\n{STEP}\noptimizer.step()",
    "decay_rate": lambda f, written: (
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, "
        f"T_max={_number('decay_steps', written) or 1000})  # and scheduler.step() behind each optimizer.step()"
    ),
    "raise_precision": lambda f, written: SCALED_STEP,
    "lighten_decay": lambda f, written: _optimizer(f, written, more=f"weight_decay={_number('weight_decay', written)}"),
    "regularise": lambda f, written: _optimizer(f, "", "AdamW", "weight_decay=0.01"),
    "normalise": lambda f, written: (
        "mean, std = x.mean(0), x.std(0)\n"
        "x = (x - mean) / (std + 1e-7)  # with the same mean and std for validation and new data"
    ),
    "scale_targets": lambda f, written: f"{SCALED}  # and predictions * std + mean",
    "weigh_classes": _weights,
    "less_dropout": _set("architecture", "p = 0.3"),
    "align_evaluation": _unseen,
    "keep_examples_apart": lambda f, written: APART,
    "narrow_outputs": _narrow,
    "put_batch_first": _set("sequence_axis", "batch_first = True"),
    "initialise": _initialise,
    "unfreeze": _unfreeze,
    "reconnect": lambda f, written: (
        f"{STEP}\nprint([name for name, parameter in model.named_parameters() if parameter.grad is None])"
    ),
    "average": lambda f, written: "loss = criterion(model(x), y) / len(x)  # or reduction='mean'",
    "one_of_many": lambda f, written: "criterion = torch.nn.CrossEntropyLoss()  # of logits and class numbers",
    "smooth_activation": lambda f, written: _activated(piecewise_layers(f.run), "Tanh"),
    "swap_activation": _swap,
    "shorten_gradient_path": _swap,
    "leak": _leak,
    "desaturate": lambda f, written: "",
    "drop_nonfinite": _clean,
    "check_labels": _labels,
    "check_pairing": lambda f, written: PAIRED,
    "check_inputs": lambda f, written: "print(x.dtype, x.min(), x.max(), x.std())",
    **dict.fromkeys(("widen", "measure", "train_longer", "lighten_penalty", "keep_finite"), lambda f, written: ""),
}
