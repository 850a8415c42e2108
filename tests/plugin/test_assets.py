from tb_lossdiag.plugin.assets import asset_routes


def test_every_built_file_has_one_exact_route_and_its_type(tmp_path):
    (tmp_path / "fonts").mkdir()
    for name in ("index.js", "index.css", "fonts/a.woff2", "secret.py", "odd*.js"):
        (tmp_path / name).touch()
    assert asset_routes(tmp_path) == {
        "/index.js": (tmp_path / "index.js", "text/javascript"),
        "/index.css": (tmp_path / "index.css", "text/css"),
        "/fonts/a.woff2": (tmp_path / "fonts" / "a.woff2", "font/woff2"),
    }


def test_without_a_built_frontend_there_are_no_routes(tmp_path):
    assert asset_routes(tmp_path / "nothing") == {}
