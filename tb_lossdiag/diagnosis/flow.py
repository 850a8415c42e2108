"""Which layers feed which? What lies in front of a layer, as far as the card tells of the way of the data."""

from collections.abc import Iterable, Mapping

from tb_lossdiag.diagnosis.fresh import is_fresh
from tb_lossdiag.run import LayerCard, ModelCard


def feeds(card: ModelCard, path: str) -> set[str]:
    """The layers whose output goes into this one, directly or through others."""
    known = {layer.path: layer.inputs for layer in card.layers}
    found: set[str] = set()
    waiting = list(known.get(path, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += known.get(one, ())
    return found


def heads_beside(card: ModelCard, path: str) -> set[str]:
    """Layers that are outputs beside this one: the same layers feed them, and what they give goes nowhere."""
    trunk = feeds(card, path)
    if not trunk:
        return set()
    known = {layer.path: layer.inputs for layer in card.layers}
    used = {source for sources in known.values() for source in sources}
    ends = [name for name in known if name not in used and name != path]
    return {one for end in ends if trunk & (behind := feeds(card, end)) for one in {end, *(behind - trunk)}}


def cuts_inside(card: ModelCard | None, unreached: Iterable[str], reached: Iterable[str]) -> bool:
    """Whether layers that the loss does not reach feed layers that it does, so that the way back is cut between them.

    A head that no loss uses feeds nothing. What was trained before may be left out of the training on purpose.
    """
    if card is None:
        return False
    behind = set().union(*(feeds(card, path) for path in reached), set())
    layers: Mapping[str, LayerCard] = {layer.path: layer for layer in card.layers}
    cut = [layers[path] for path in unreached if path in behind and path in layers]
    return any(not _was_trained(layer) for layer in cut)


def _was_trained(layer: LayerCard) -> bool:
    """Whether its weights are known not to be what their initialiser draws."""
    return bool(layer.initializers.get("kernel")) and layer.number("kernel_std") is not None and not is_fresh(layer)


def is_passed_by(card: ModelCard | None, path: str) -> bool:
    """Whether a layer behind this one is also fed by one that stands beside or in front of it, as around a score.

    Layers of a chain, and those whose inputs are not known, are passed by nobody.
    """
    layers = card.layers if card is not None else ()
    behind, known = {path}, 0
    while known < len(behind):  # once over layers in the order of the way through them
        known = len(behind)
        for layer in layers:
            if not behind.isdisjoint(layer.inputs):
                behind.add(layer.path)
    return any(not behind.issuperset(layer.inputs) for layer in layers if layer.path in behind - {path})
