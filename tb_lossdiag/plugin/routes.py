"""Which request gets which answer? The routes of http_api.md, checked and answered."""

from collections.abc import Callable, Collection
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
from tb_lossdiag.logs import Log
from tb_lossdiag.logs.source import SCALARS
from tb_lossdiag.plugin import assets, parameters
from tb_lossdiag.plugin.compared import common_statistics, comparison_payload
from tb_lossdiag.plugin.curves import layer_payload, series_payload
from tb_lossdiag.plugin.difference import difference_bytes
from tb_lossdiag.plugin.histograms import histograms_payload
from tb_lossdiag.plugin.outline import gravity
from tb_lossdiag.plugin.payload import layers_payload, matrix_bytes
from tb_lossdiag.plugin.reading import Reading
from tb_lossdiag.plugin.readings import Readings
from tb_lossdiag.plugin.setup_sheet import setup_payload

logger = tb_logging.get_logger()

PATIENCE = 0.5  # seconds that the list of runs waits for verdicts: a dozen are ready by then
SEVERAL_RUNS = ("/compare", "/difference")


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
        steps = ("first", "last")
        routes: dict[str, tuple[Callable[[Request], Response], tuple[str, ...]]] = {
            "/runs": (self._runs, ("run",)),
            "/report": (self._report, ("run",)),
            "/report.md": (self._markdown, ("run",)),
            "/series": (self._series, ("run", *steps)),
            "/layers": (self._layers, ("run",)),
            "/layer": (self._layer, ("run", "layer", *steps)),
            "/setup": (self._setup, ("run",)),
            "/matrix": (self._matrix, ("run", "statistic", "width", *steps)),
            "/compare": (self._compare, ("run",)),
            "/difference": (self._difference, ("run", "statistic", "width")),
            "/histograms": (self._histograms, ("run", "row")),
            assets.ENTRY: (_missing_frontend, ()),
        }
        found = assets.asset_routes()
        if assets.ENTRY not in found:
            logger.warning(assets.HOW_TO_BUILD)
        routes |= {route: (_asset_handler(*asset), ()) for route, asset in found.items()}
        return {
            route: _application(handler, known, repeated=("run",) if route in SEVERAL_RUNS else ())
            for route, (handler, known) in routes.items()
        }

    def is_active(self) -> bool:
        """TensorBoard asks only when none of `data_plugin_names` has data; then there is nothing to diagnose."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        return (schema.PLUGIN_NAME, SCALARS)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path=assets.ENTRY, tab_name="Diagnostics")

    def _runs(self, request: Request) -> Response:
        lines = sorted(self._readings.all(self._log(request), PATIENCE, request.args.get("run")), key=gravity)
        return http_util.Respond(request, {"runs": [vars(line) for line in lines]}, "application/json")

    def _report(self, request: Request) -> Response:
        text = self._reading(request).report.to_json()
        # A name in a card can hold half a surrogate pair, which UTF-8 cannot; as an escape it is still JSON.
        return http_util.Respond(request, text.encode("utf-8", "backslashreplace"), "application/json")

    def _markdown(self, request: Request) -> Response:
        text = to_markdown(self._reading(request).report)
        return http_util.Respond(request, text.encode("utf-8", "backslashreplace"), "text/markdown")

    def _series(self, request: Request) -> Response:
        payload = series_payload(self._reading(request).run, parameters.window(request))
        return http_util.Respond(request, payload, "application/json")

    def _layers(self, request: Request) -> Response:
        reading = self._reading(request)
        return http_util.Respond(request, layers_payload(reading.run, reading.statistics), "application/json")

    def _layer(self, request: Request) -> Response:
        name = parameters.parameter(request, "layer")
        reading = self._reading(request)
        payload = layer_payload(reading.run, name, reading.statistics, parameters.window(request))
        if not payload["charts"]:
            raise errors.NotFoundError(f"layer {name!r} is not recorded in run {reading.run.name!r}")
        return http_util.Respond(request, payload, "application/json")

    def _setup(self, request: Request) -> Response:
        return http_util.Respond(request, setup_payload(self._reading(request).run), "application/json")

    def _matrix(self, request: Request) -> Response:
        width = parameters.width(request)
        window = parameters.window(request)
        name = parameters.parameter(request, "statistic")
        reading = self._reading(request)
        statistic = next((s for s in reading.statistics if s.id == name), None)
        if reading.run.layers is None or statistic is None:
            raise errors.NotFoundError(f"statistic {name!r} is not recorded in run {reading.run.name!r}")
        content = matrix_bytes(reading.run.layers, statistic, width, window)
        return http_util.Respond(request, content, "application/octet-stream")

    def _compare(self, request: Request) -> Response:
        readings = self._compared(request, parameters.MAX_COMPARED)
        return http_util.Respond(request, comparison_payload(readings), "application/json")

    def _difference(self, request: Request) -> Response:
        width = parameters.width(request)
        name = parameters.parameter(request, "statistic")
        base, other = self._compared(request, 2)
        statistic = next((s for s in common_statistics([base, other]) if s.id == name), None)
        if statistic is None:
            runs = f"{base.run.name!r} and {other.run.name!r}"
            raise errors.NotFoundError(f"statistic {name!r} is not recorded in both {runs}")
        content = difference_bytes(base.run.layers, other.run.layers, statistic, width)
        return http_util.Respond(request, content, "application/octet-stream")

    def _compared(self, request: Request, most: int) -> list[Reading]:
        """The readings of the two or more runs that are named, the baseline first."""
        return [self._named(request, name) for name in parameters.compared(request, most)]

    def _histograms(self, request: Request) -> Response:
        index = parameters.row(request)
        run = self._reading(request).run
        if run.card is None or index >= len(run.card.rows):
            raise errors.NotFoundError(f"run {run.name!r} has no row '{index}'")
        return http_util.Respond(request, histograms_payload(run, index), "application/json")

    def _reading(self, request: Request) -> Reading:
        return self._named(request, parameters.parameter(request, "run"))

    def _named(self, request: Request, name: str) -> Reading:
        reading = self._readings.of(self._log(request), name)
        if reading is None:
            raise errors.NotFoundError(f"unknown run {name!r}")
        return reading

    def _log(self, request: Request) -> Log:
        environ = request.environ
        experiment = plugin_util.experiment_id(environ)
        return Log(self._provider, plugin_util.context(environ), experiment, self._directory)


def _application(handler: Callable[[Request], Response], known: Collection[str], repeated: Collection[str]) -> Callable:
    """The handler as a WSGI application: GET only, and what is refused is said in plain text.

    known: the names of its parameters. repeated: those that may be given more than once.
    """

    @Request.application
    @wraps(handler)
    def application(request: Request) -> Response:
        if request.method != "GET":
            text = f"method {request.method} is not allowed here, only GET"
            return http_util.Respond(request, text, "text/plain", code=405, headers=[("Allow", "GET")])
        try:
            parameters.check_names(request, known, repeated)
            return handler(request)
        except errors.PublicError as error:
            return http_util.Respond(request, str(error), "text/plain", code=error.http_code)

    return application


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
