"""What does the model make of an input? A number whose size matters, an id to look up, or values that it scales."""

from collections.abc import Mapping
from typing import Any

from tb_lossdiag.diagnosis.layer_kinds import LOOKUPS, NORMALISING, NUMERIC, PASSIVE, is_one_of, prepares_data
from tb_lossdiag.run import LayerCard, ModelCard, Row

SCALING = {"Normalization", "Rescaling"}
# A layer that scales or looks up stands at the very front, behind an embedding's positions at most.
FIRST_LAYERS = 2
PIXELS = ("uint8",)
WHOLE_OR_TEXT = ("int", "uint", "string", "bool")


def brings_own_scale(card: ModelCard | None) -> bool:
    """Whether the first layers scale what comes in, or look it up, whichever input it is."""
    first = _first_layers(card)[:FIRST_LAYERS]
    return any(is_one_of(layer, LOOKUPS | NORMALISING) or prepares_data(layer) for layer in first)


def scaling_layers(card: ModelCard | None) -> list[LayerCard]:
    """The layers that are there to scale what comes in, and whose output no other one scales again."""
    layers = card.layers if card is not None else ()
    again = {source for layer in layers if _scales(layer) or is_one_of(layer, NORMALISING) for source in layer.inputs}
    return [layer for layer in layers if _scales(layer) and layer.path not in again]


def _scales(layer: LayerCard) -> bool:
    return is_one_of(layer, SCALING)


def are_ids(card: ModelCard | None, row: Row) -> bool:
    """Whether whole numbers go to something that looks them up: an Embedding, or the user's own gather or one-hot.

    A layer that multiplies takes whole numbers for numbers, if it takes the input as it is: as many as come in.
    """
    given = _given(card, row)
    dtype = str(given.get("dtype") or "")
    if not dtype.startswith(WHOLE_OR_TEXT) or dtype in PIXELS:
        return False
    first = next((layer for layer in _first_layers(card) if not is_one_of(layer, PASSIVE)), None)
    return first is None or not is_one_of(first, NUMERIC) or not _takes_as_it_is(first, given)


def _takes_as_it_is(layer: LayerCard, given: Mapping[str, Any]) -> bool:
    """Whether it has an input for each feature of the data; one-hot or looked-up vectors have another width."""
    shape = given.get("shape")
    width = shape[-1] if isinstance(shape, (list, tuple)) and shape else None
    fan_in = layer.number("kernel_fan_in")
    if shape in ([], ()) and layer.kind == "Dense":  # a number an example, which a matrix takes as a column
        return fan_in in (None, 1)
    return layer.kind != "Dense" or width is None or fan_in is None or fan_in % max(_number(width), 1) == 0


def _number(width: Any) -> float:
    return float(width) if isinstance(width, (int, float)) else 1.0


def _given(card: ModelCard | None, row: Row) -> Mapping[str, Any]:
    known = card.settings.get("inputs") if card is not None else None
    given = known.get(row.own_name) if isinstance(known, Mapping) else None
    return given if isinstance(given, Mapping) else {}


def _first_layers(card: ModelCard | None) -> list[LayerCard]:
    return [layer for layer in (card.layers if card is not None else ()) if layer.kind != "InputLayer"]
