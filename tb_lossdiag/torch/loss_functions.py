"""Which of torch's loss functions was called, and with what? `F.mse_loss(model(x), y)`, or nn.MSELoss, which calls it.
Functions that drop numbers are heard as well, where none of torch's own modules calls them.

Each of them first asks whether one of its arguments has an implementation of its own. That question is replaced while
somebody listens, which is for a part of a sampled step; so a function is heard by whatever name it is called, and
nobody who holds, compares or pickles one notices.
"""

import inspect
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tb_lossdiag.torch.private import is_transformed
from tb_lossdiag.torch.replaced import Replaced

CLASSES = {
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "cosine_embedding_loss": nn.CosineEmbeddingLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "ctc_loss": nn.CTCLoss,
    "gaussian_nll_loss": nn.GaussianNLLLoss,
    "hinge_embedding_loss": nn.HingeEmbeddingLoss,
    "huber_loss": nn.HuberLoss,
    "kl_div": nn.KLDivLoss,
    "l1_loss": nn.L1Loss,
    "margin_ranking_loss": nn.MarginRankingLoss,
    "mse_loss": nn.MSELoss,
    "multi_margin_loss": nn.MultiMarginLoss,
    "multilabel_margin_loss": nn.MultiLabelMarginLoss,
    "multilabel_soft_margin_loss": nn.MultiLabelSoftMarginLoss,
    "nll_loss": nn.NLLLoss,
    "poisson_nll_loss": nn.PoissonNLLLoss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "soft_margin_loss": nn.SoftMarginLoss,
    "triplet_margin_loss": nn.TripletMarginLoss,
    "triplet_margin_with_distance_loss": nn.TripletMarginWithDistanceLoss,
}
DROPPING = ("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


class Hearer(Protocol):
    """What it does must not raise."""

    def heard(self, name: str, function: Callable[..., Tensor], arguments: dict[str, Any]) -> None: ...

    def dropped(self, share: float) -> None: ...


def hear(hearer: Hearer) -> None:
    """Of the calls on this thread whose value will have a gradient, before they are computed."""
    _thread.hears = True
    _replaced.add(hearer)


def unhear(hearer: Hearer) -> None:
    _replaced.remove(hearer)


_thread = threading.local()
_functions = {name: getattr(F, name) for name in CLASSES if inspect.isfunction(getattr(F, name, None))}
_names = {function.__code__: name for name, function in _functions.items()}
_dropping = {getattr(F, name).__code__ for name in DROPPING}


def _listening(original: Callable[..., bool]) -> Callable[..., bool]:
    def asked(*args: Any) -> bool:
        if not torch.compiler.is_compiling() and torch.is_grad_enabled() and getattr(_thread, "hears", False):
            frame = inspect.currentframe().f_back
            name = _names.get(frame.f_code)
            if frame.f_code in _dropping and frame.f_locals["training"] and not _is_called_by_torch(frame):
                for hearer in tuple(_replaced.listeners):
                    hearer.dropped(frame.f_locals["p"])
            if name is not None and not is_transformed():
                for hearer in tuple(_replaced.listeners):
                    hearer.heard(name, _functions[name], dict(frame.f_locals))
        return original(*args)

    return asked


def _is_called_by_torch(frame: FrameType) -> bool:
    return frame.f_back is not None and frame.f_back.f_globals.get("__name__", "").startswith("torch.nn.")


_replaced = Replaced([(F, name, _listening) for name in _QUESTIONS if hasattr(F, name)])
