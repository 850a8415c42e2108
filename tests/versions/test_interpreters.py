"""A Python is taken only where it is what its name says and can make environments."""

import os
import stat
import sys

from versions.interpreters import interpreter

RUNNING = "{}.{}".format(*sys.version_info)


def pretender(place, says):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{says}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return str(place)


def test_the_one_that_runs_this_is_found():
    assert interpreter(RUNNING) == sys.executable


def test_a_shim_that_starts_nothing_gives_way_to_pyenvs_newest(tmp_path, monkeypatch):
    pretender(tmp_path / "bin" / "python3.1", "echo no such version >&2; exit 127")
    for patch in ("4", "10"):
        wanted = pretender(tmp_path / "versions" / f"3.1.{patch}" / "bin" / "python", "echo 3.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreter("3.1") == wanted


def test_one_of_another_version_is_none(tmp_path, monkeypatch):
    pretender(tmp_path / "versions" / "3.1.4" / "bin" / "python", "echo 3.2")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreter("3.1") is None
