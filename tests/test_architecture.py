"""No arrow points left: which room imports which is read from the source, and importing us stays light."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tb_lossdiag"
INSIDE = {
    "schema": set(),
    "run": set(),
    "framing": set(),
    "storage": set(),
    "recording": {"schema", "run", "framing", "storage"},
    "torch": {"schema", "run", "recording"},
    "logs": {"schema", "run", "framing", "storage"},
    "diagnosis": {"run"},
    "plugin": {"logs", "diagnosis", "run", "schema"},
    "cli": {"logs", "diagnosis"},
    "__main__": {"cli"},
    "__init__": set(),
}
OUTSIDE = {
    "schema": {"numpy"},
    "run": {"numpy"},
    "framing": {"google_crc32c"},
    "storage": {"tensorboard", "tensorflow"},
    "recording": {"numpy", "tensorflow", "jax", "torch", "keras", "tensorboard"},
    "torch": {"numpy", "torch"},
    "logs": {"numpy", "tensorboard", "tensorboard_data_server", "grpc", "google"},
    "diagnosis": {"numpy"},
    "plugin": {"numpy", "tensorboard", "werkzeug"},
    "cli": {"rich"},
    "__main__": set(),
    "__init__": set(),
}
FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full dotted names of every import in the file, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path):
    own = {name.split(".")[1] for name in imported(path) if name.startswith("tb_lossdiag.")}
    assert own - {room(path)} <= INSIDE[room(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_third_parties_stay_in_their_room(path):
    foreign = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names - {"tb_lossdiag"}
    assert foreign <= OUTSIDE[room(path)]


def test_recording_asks_for_a_diagnosis_in_one_place_as_a_user_would():
    asking = {path.name for path in FILES if room(path) == "recording" and "tb_lossdiag" in imported(path)}
    assert asking == {"policy.py"}


def test_torch_takes_from_the_recording_its_kernels_and_what_knows_no_framework():
    names = {name for path in FILES if room(path) == "torch" for name in imported(path)}
    taken = {".".join(name.split(".")[1:3]) for name in names if name.startswith("tb_lossdiag.recording.")}
    free = "cadence", "layout", "policy", "private", "recorder", "rows", "selection", "writer"
    assert taken == {f"recording.{name}" for name in (*free, "torch")}


@pytest.mark.parametrize(
    "module",
    ["tb_lossdiag", "tb_lossdiag.plugin", "tb_lossdiag.cli", "tb_lossdiag.diagnosis", "tb_lossdiag.recording.recorder"],
)
def test_importing_loads_neither_tensorflow_nor_keras(module):
    code = f"import sys, {module}; print(*({{'tensorflow', 'keras', 'torch', 'jax'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


PRIVATE = {
    "recording/keras_private.py",
    "recording/tensorflow_private.py",
    "recording/jax/private.py",
    "torch/private.py",
}
_PRIVATE_PATHS = ("keras.src", "tensorflow.python", "jax._src", "jax.extend", "__internal__")


def private_names(path: Path) -> set[str]:
    """Whatever is called "_name" and does not belong to an object or class of this file."""
    tree, found = ast.parse(path.read_text()), set()
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found |= set() if node.attr in own or not _is_private(node.attr) else {node.attr}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            private = _is_private(node.value) or any(part in node.value for part in _PRIVATE_PATHS)
            found |= {node.value} if private else set()
    for name in imported(path):
        foreign = not name.startswith("tb_lossdiag.")
        if foreign and (any(map(_is_private, name.split("."))) or name.startswith(_PRIVATE_PATHS)):
            found.add(name)
    return found


def _is_private(name: str) -> bool:
    return name == "__internal__" or (name.isidentifier() and name[0] == "_" != name[1:2] != "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_private_names_of_frameworks_stand_in_one_file_for_each(path):
    ends_of_public_names = {"_v2", "_initializer", "_loss"}
    documented_by_python = {"_current_frames"}
    public = ends_of_public_names | documented_by_python
    assert path.relative_to(PACKAGE).as_posix() in PRIVATE or private_names(path) <= public


@pytest.mark.parametrize("word", ["lossdiag/card", "lossdiag/steps", "lossdiag/layers", "lossdiag/events"])
def test_only_the_schema_spells_a_tag(word):
    spelled = [path.name for path in FILES if f'"{word}"' in path.read_text()]
    assert spelled == ["schema.py"]


def test_recording_leaves_tensorflow_to_be_configured_by_the_user():
    code = """
        import tensorflow as tf
        from tb_lossdiag import LossDiagnostics, TrainingMonitor
        from tb_lossdiag.recording import twin

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True)
