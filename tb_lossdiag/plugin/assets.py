"""Which files does the browser load? The built frontend, one exact route per file."""

from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
ENTRY = "/index.js"
HOW_TO_BUILD = "The frontend of tb_lossdiag is not built. In a source checkout run: pip install -e ."

# By hand: the system's own MIME tables differ, and TensorBoard forbids browsers to guess.
MIME_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}


def asset_routes(directory: Path = STATIC) -> dict[str, tuple[Path, str]]:
    """{route: (file, MIME type)} of every servable file below `directory`; empty when nothing is built.

    No route is a pattern, so no request can name a path of its own.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.suffix in MIME_TYPES)
    routes = {"/" + path.relative_to(directory).as_posix(): (path, MIME_TYPES[path.suffix]) for path in files}
    return {route: asset for route, asset in routes.items() if "*" not in route}
