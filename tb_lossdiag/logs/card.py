"""What does a card say? Its JSON as a ModelCard; a number or a list that cannot be meant is left out, and named."""

from typing import Any

from tb_lossdiag import schema
from tb_lossdiag.logs.json_limits import shown, within_limits
from tb_lossdiag.run import ModelCard

MAX_ITEMS = 100_000  # rows, layers or columns; the largest models have some ten thousand variables
MAX_NAME = 1000  # characters of a name; the page shows 300

COUNTS = ("batch_size", "steps_per_epoch", "epochs", "parameters", "trainable_parameters")
UNKNOWN = ("batch_size", "steps_per_epoch", "epochs", "units")  # counts that may be None
LAYER_COUNTS = ("units", "parameters")
LISTS = ("layers", "rows", "data_rows", "metrics")


def decode_card(text: bytes) -> tuple[ModelCard, dict[str, str]]:
    """The card, and {where: what} of that which was left out of it.

    Raises schema.NewerFormat when a later tb_lossdiag wrote it, ValueError or TypeError when it is no card.
    """
    value = schema.decode_json(text)
    if isinstance(value.get("version"), int):
        schema.check_version(value["version"])
    value, dropped = within_limits(value, MAX_NAME)
    for name in LISTS:
        if isinstance(value.get(name), list) and len(value[name]) > MAX_ITEMS:
            dropped[name] = f"{len(value.pop(name))} of them, expected {MAX_ITEMS} at most"
    _drop_wrong_counts(value, COUNTS, "", dropped)
    layers = value.get("layers", ())
    for index, layer in enumerate(layers if isinstance(layers, list) else ()):
        if isinstance(layer, dict):
            _drop_wrong_counts(layer, LAYER_COUNTS, f"layers[{index}].", dropped)
    card = ModelCard.from_dict(value)
    names = [name for row in (*card.rows, *card.data_rows) for name in (row.name, row.kind, row.layer)]
    names += [name for columns in card.columns.values() for name in columns]
    names += [name for layer in card.layers for name in (layer.path, layer.kind, *layer.inputs)]
    names += card.metrics
    for wrong in (name for name in names if not isinstance(name, str)):
        raise TypeError(f"the card has {shown(wrong)} where a name should be")
    return card, dropped


def _drop_wrong_counts(value: dict[str, Any], names: tuple[str, ...], where: str, dropped: dict[str, str]) -> None:
    for name in names:
        count = value.get(name, 0)
        if count is None and name in UNKNOWN:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            dropped[f"{where}{name}"] = f"{shown(value.pop(name))}, expected an integer from 0 on"
