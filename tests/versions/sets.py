"""Which versions belong together? What people have installed side by side, oldest first."""

from dataclasses import dataclass

# The wheels without GPU support are a fifth as large; they are not built for every platform.
_SMALL = "platform_machine in 'x86_64 AMD64' and sys_platform != 'darwin'"
_LARGE = "platform_machine not in 'x86_64 AMD64' or sys_platform == 'darwin'"


@dataclass(frozen=True)
class VersionSet:
    """python: "3.10". requirements: what pip is given. selection: which files of tests run there, below tests/."""

    python: str
    requirements: tuple[str, ...]
    selection: tuple[str, ...]

    @property
    def name(self) -> str:
        what, _, version = self.requirements[0].partition(";")[0].partition("==")
        return f"python{self.python}-{what.removesuffix('-cpu')}-{version or 'newest'}"


# Readers and judges need no framework.
READING = ("versions/reading.py", "logs", "diagnosis", "plugin/test_routes.py", "plugin/test_loader.py", "cli")
TRAINING = ("versions/training.py", "versions/reading.py")


def _tensorflow(python: str, *requirements: str) -> VersionSet:
    first, *others = requirements
    tensorflow, _, version = first.partition("==")
    pin = f"=={version}" if version else ""
    return VersionSet(
        python,
        (f"{tensorflow}-cpu{pin}; {_SMALL}", f"{tensorflow}{pin}; {_LARGE}", *others),
        TRAINING,
    )


_PKG = "setuptools<80"  # TensorBoard before 2.21 needs pkg_resources, which 82 has no more and 80.9 warns about
_2_16 = ("tensorflow==2.16.2", "keras==3.3.3", "tensorboard==2.16.2", "numpy==1.26.4", _PKG)
_2_17 = ("tensorflow==2.17.1", "keras==3.5.0", "tensorboard==2.17.1", "numpy==1.26.4", _PKG)
_2_18 = ("tensorflow==2.18.1", "keras==3.8.0", "tensorboard==2.18.0", _PKG)
_2_19 = ("tensorflow==2.19.1", "keras==3.10.0", "tensorboard==2.19.0", _PKG)
_2_20 = ("tensorflow==2.20.0", "keras==3.12.0", "tensorboard==2.20.0", _PKG)
_NEWEST = ("tensorflow", "keras", "tensorboard")
# What we import beside these, as old as it works.
_OLD_LIBRARIES = ("werkzeug==2.0.3", "rich==13.0.0", "protobuf==4.25.3")

OLDEST = (
    _tensorflow("3.10", *_2_16, *_OLD_LIBRARIES),
    _tensorflow("3.11", *_2_16, *_OLD_LIBRARIES),
    _tensorflow("3.12", *_2_16, *_OLD_LIBRARIES),
    _tensorflow("3.13", *_2_20),
)
"""The first of these whose Python is there is what each test run tries."""

MATRIX = (
    OLDEST[0],
    _tensorflow("3.12", *_2_16),
    _tensorflow("3.12", *_2_17),
    _tensorflow("3.10", *_2_18, "numpy==1.26.4"),
    _tensorflow("3.12", *_2_18),
    _tensorflow("3.12", *_2_19),
    _tensorflow("3.10", *_2_20),
    _tensorflow("3.12", *_2_20),
    _tensorflow("3.13", *_2_20),
    _tensorflow("3.10", *_NEWEST),
    _tensorflow("3.12", *_NEWEST),
    _tensorflow("3.13", *_NEWEST),
    VersionSet("3.10", ("tensorboard==2.16.2", "numpy==1.26.4", "werkzeug==2.1.2", "fsspec", _PKG), READING),
    VersionSet("3.13", ("tensorboard", "numpy", "fsspec"), READING),
)
