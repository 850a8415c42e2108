"""Which request gets which answer? The routes of http_api.md, checked and answered."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from tensorboard.util import tb_logging
from werkzeug.wrappers import Request, Response

from tb_lossdiag import schema
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.diagnosis.report import SEVERITIES, VERDICTS
from tb_lossdiag.logs import Log
from tb_lossdiag.logs.source import SCALARS
from tb_lossdiag.plugin import assets
from tb_lossdiag.plugin.compared import common_statistics, comparison_payload
from tb_lossdiag.plugin.curves import layer_payload, series_payload
from tb_lossdiag.plugin.difference import difference_bytes
from tb_lossdiag.plugin.histograms import histograms_payload
from tb_lossdiag.plugin.payload import layers_payload, matrix_bytes
from tb_lossdiag.plugin.readings import Reading, Readings
from tb_lossdiag.plugin.setup_sheet import setup_payload

logger = tb_logging.get_logger()

MAX_COMPARED = 8  # runs side by side: more columns than that nobody reads
MAX_ROW_DIGITS = 9  # a card of more rows fits no log
MAX_WIDTH = 4096  # columns of a matrix; a request for more is a mistake
MAX_STEP_DIGITS = 18  # of a step in a request: whatever fits into 64 bits


class LossDiagPlugin(base_plugin.TBPlugin):
    """The Diagnostics tab. Raises ValueError when TensorBoard runs without a data provider."""

    plugin_name = schema.PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        if context.data_provider is None:
            raise ValueError("TensorBoard runs without a data provider (--generic_data=false)")
        self._provider = context.data_provider
        self._directory = context.logdir or ""
        self._readings = Readings(diagnose_run)

    def get_plugin_apps(self) -> dict[str, Callable]:
        handlers: dict[str, Callable[[Request], Response]] = {
            "/runs": self._runs,
            "/report": self._report,
            "/report.md": self._markdown,
            "/series": self._series,
            "/layers": self._layers,
            "/layer": self._layer,
            "/setup": self._setup,
            "/matrix": self._matrix,
            "/compare": self._compare,
            "/difference": self._difference,
            "/histograms": self._histograms,
            assets.ENTRY: _missing_frontend,
        }
        found = assets.asset_routes()
        if assets.ENTRY not in found:
            logger.warning(assets.HOW_TO_BUILD)
        handlers |= {route: _asset_handler(*asset) for route, asset in found.items()}
        return {route: _application(handler) for route, handler in handlers.items()}

    def is_active(self) -> bool:
        """TensorBoard asks only when none of `data_plugin_names` has data; then there is nothing to diagnose."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        return (schema.PLUGIN_NAME, SCALARS)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path=assets.ENTRY, tab_name="Diagnostics")

    def _runs(self, request: Request) -> Response:
        readings = sorted(self._readings.all(self._log(request)), key=_gravity)
        return http_util.Respond(request, {"runs": [_summary(reading) for reading in readings]}, "application/json")

    def _report(self, request: Request) -> Response:
        text = self._reading(request).report.to_json()
        # A name in a card can hold half a surrogate pair, which UTF-8 cannot; as an escape it is still JSON.
        return http_util.Respond(request, text.encode("utf-8", "backslashreplace"), "application/json")

    def _markdown(self, request: Request) -> Response:
        text = to_markdown(self._reading(request).report)
        return http_util.Respond(request, text.encode("utf-8", "backslashreplace"), "text/markdown")

    def _series(self, request: Request) -> Response:
        payload = series_payload(self._reading(request).run, _window(request))
        return http_util.Respond(request, payload, "application/json")

    def _layers(self, request: Request) -> Response:
        reading = self._reading(request)
        return http_util.Respond(request, layers_payload(reading.run, reading.statistics), "application/json")

    def _layer(self, request: Request) -> Response:
        name = _parameter(request, "layer")
        reading = self._reading(request)
        payload = layer_payload(reading.run, name, reading.statistics, _window(request))
        if not payload["charts"]:
            raise errors.NotFoundError(f"layer {name!r} is not recorded in run {reading.run.name!r}")
        return http_util.Respond(request, payload, "application/json")

    def _setup(self, request: Request) -> Response:
        return http_util.Respond(request, setup_payload(self._reading(request).run), "application/json")

    def _matrix(self, request: Request) -> Response:
        width = _width(_parameter(request, "width"))
        window = _window(request)
        name = _parameter(request, "statistic")
        reading = self._reading(request)
        statistic = next((s for s in reading.statistics if s.id == name), None)
        if reading.run.layers is None or statistic is None:
            raise errors.NotFoundError(f"statistic {name!r} is not recorded in run {reading.run.name!r}")
        content = matrix_bytes(reading.run.layers, statistic, width, window)
        return http_util.Respond(request, content, "application/octet-stream")

    def _compare(self, request: Request) -> Response:
        readings = self._compared(request, MAX_COMPARED)
        return http_util.Respond(request, comparison_payload(readings), "application/json")

    def _difference(self, request: Request) -> Response:
        width = _width(_parameter(request, "width"))
        name = _parameter(request, "statistic")
        base, other = self._compared(request, 2)
        statistic = next((s for s in common_statistics([base, other]) if s.id == name), None)
        if statistic is None:
            runs = f"{base.run.name!r} and {other.run.name!r}"
            raise errors.NotFoundError(f"statistic {name!r} is not recorded in both {runs}")
        content = difference_bytes(base.run.layers, other.run.layers, statistic, width)
        return http_util.Respond(request, content, "application/octet-stream")

    def _compared(self, request: Request, most: int) -> list[Reading]:
        """The readings of the two or more runs that are named, the baseline first."""
        names = [name for name in request.args.getlist("run") if name]
        if not 2 <= len(names) <= most:
            wanted = "2" if most == 2 else f"2 to {most}"
            raise errors.InvalidArgumentError(f"{len(names)} runs are named with 'run', expected {wanted}")
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise errors.InvalidArgumentError(f"run {repeated!r} is named twice")
        return [self._named(request, name) for name in names]

    def _histograms(self, request: Request) -> Response:
        text = _parameter(request, "row")
        index = int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_ROW_DIGITS else None
        if index is None:
            raise errors.InvalidArgumentError(f"row {text!r} is not the index of a row")
        run = self._reading(request).run
        if run.card is None or index >= len(run.card.rows):
            raise errors.NotFoundError(f"run {run.name!r} has no row {text!r}")
        return http_util.Respond(request, histograms_payload(run, index), "application/json")

    def _reading(self, request: Request) -> Reading:
        return self._named(request, _parameter(request, "run"))

    def _named(self, request: Request, name: str) -> Reading:
        reading = self._readings.of(self._log(request), name)
        if reading is None:
            raise errors.NotFoundError(f"unknown run {name!r}")
        return reading

    def _log(self, request: Request) -> Log:
        environ = request.environ
        experiment = plugin_util.experiment_id(environ)
        return Log(self._provider, plugin_util.context(environ), experiment, self._directory)


def _application(handler: Callable[[Request], Response]) -> Callable:
    """The handler as a WSGI application: GET only, and what it refuses is said in plain text."""

    @Request.application
    @wraps(handler)
    def application(request: Request) -> Response:
        if request.method != "GET":
            text = f"method {request.method} is not allowed here, only GET"
            return http_util.Respond(request, text, "text/plain", code=405, headers=[("Allow", "GET")])
        try:
            return handler(request)
        except errors.PublicError as error:
            return http_util.Respond(request, str(error), "text/plain", code=error.http_code)

    return application


def _parameter(request: Request, name: str) -> str:
    value = request.args.get(name)
    if not value:
        raise errors.InvalidArgumentError(f"parameter {name!r} is missing")
    return value


def _width(text: str) -> int:
    width = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_WIDTH)) else 0
    if not 1 <= width <= MAX_WIDTH:
        raise errors.InvalidArgumentError(f"width {text!r} is not a whole number from 1 to {MAX_WIDTH}")
    return width


def _window(request: Request) -> tuple[int, int] | None:
    """The steps first … last that are asked for; None for all of them."""
    if "first" not in request.args and "last" not in request.args:
        return None
    first, last = (_step(name, _parameter(request, name)) for name in ("first", "last"))
    if first > last:
        raise errors.InvalidArgumentError(f"first {first} comes after last {last}")
    return first, last


def _step(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_STEP_DIGITS):
        raise errors.InvalidArgumentError(f"{name} {text!r} is not a step: a whole number, not negative")
    return int(text)


def _gravity(reading: Reading) -> tuple[int, int, str]:
    """Sorts the worst first: severity, then the verdict, then the name."""
    report = reading.report
    order = (*SEVERITIES, "none")
    return order.index(report.severity), VERDICTS.index(report.verdict.state), report.run


def _summary(reading: Reading) -> dict:
    report, run = reading.report, reading.run
    return {
        "name": report.run,
        "state": report.verdict.state,
        "severity": report.severity,
        "headline": report.verdict.headline,
        "cause": report.verdict.cause,
        "cause_title": report.first.title if report.first else "",
        "last_step": run.last_step,
        "wall_time": run.wall_time,
        "source": run.source,
        "problem": reading.problem,
    }


def _asset_handler(path: Path, mime_type: str) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise errors.NotFoundError(f"{path.name} is gone: {error.strerror}") from error
        return http_util.Respond(request, content, mime_type)

    return serve


def _missing_frontend(request: Request) -> Response:
    raise errors.NotFoundError(assets.HOW_TO_BUILD)
