"""Build script; the facts about the package stand in pyproject.toml.

Native targets are added here and in BUILD side by side.
"""

import glob
import json
import pathlib
import runpy
import shutil
import warnings

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HEADERS = ("custom_ops/tmc/core/*.h", "custom_ops/tmc/*.h")
CYTHON_PARTS = (
    "custom_ops/tmc/python/*.h",
    "custom_ops/tmc/python/*.pxi",
    "custom_ops/tmc/testing/*.h",
)
# No -march: vectorised kernels pick AVX2 at run time, so that one wheel runs on any x86-64.
COMPILE_ARGS = ["-std=c++17", "-O3", "-g0", "-fvisibility=hidden"]
# The second is for the tests: it is built in place, and is no part of a wheel.
TESTING = "tests.tmc._testing"
CYTHON_MODULES = {
    "tfsp.tmc.native._tmc": "custom_ops/tmc/python/_tmc.pyx",
    TESTING: "custom_ops/tmc/testing/_testing.pyx",
}

OP_LIBRARY = "tfsp.tmc.native._tmc_ops"
PROJECT = runpy.run_path("tfsp/project_files.py")  # which scripts are part of a wheel, and where
INFO = "_build_info.json"  # which TensorFlow the op library was built against
OP_SOURCES = [
    "custom_ops/tmc/tmc_ops.cc",
    "custom_ops/tmc/tree_kernels.cc",
    "custom_ops/tmc/predictive_kernels.cc",
    "custom_ops/tmc/sampler_kernels.cc",
]


def found(patterns):
    return [path for pattern in patterns for path in glob.glob(pattern)]


def cython_extensions():
    """Extensions for NumPy users; none, with a warning, where Cython is missing."""
    try:
        from Cython.Build import cythonize
    except ImportError:
        warnings.warn(
            "Cython is missing: tfsp is built without tfsp.tmc.native. `pip install cython` "
            "and build again.",
            stacklevel=2,
        )
        return []
    extensions = [
        Extension(
            name,
            [source],
            language="c++",
            include_dirs=["."],
            depends=found(HEADERS + CYTHON_PARTS),
            extra_compile_args=COMPILE_ARGS,
        )
        for name, source in CYTHON_MODULES.items()
        if pathlib.Path(source).exists()
    ]
    return cythonize(extensions, build_dir="build/cython")


def op_extension():
    """The TensorFlow op library; its flags are known when it is built."""
    return Extension(
        OP_LIBRARY,
        OP_SOURCES,
        language="c++",
        include_dirs=["."],
        depends=found(HEADERS),
        extra_compile_args=COMPILE_ARGS,
    )


class BuildExtensions(build_ext):
    """Builds the op library with the flags of the TensorFlow that is installed, and notes which."""

    def finalize_options(self):
        super().finalize_options()
        if not (self.inplace or self.editable_mode):
            self.extensions = [e for e in self.extensions if e.name != TESTING]

    def build_extension(self, extension):
        if extension.name != OP_LIBRARY:
            super().build_extension(extension)
            return
        try:
            import tensorflow as tf
        except ImportError as error:
            raise RuntimeError(
                "Building tfsp needs the TensorFlow that it will run with: install the "
                "requirements first, then `pip install --no-build-isolation .`"
            ) from error
        flags = [flag for flag in tf.sysconfig.get_compile_flags() if flag != "--std=c++17"]
        # TensorFlow's headers use deprecated names of their own.
        extension.extra_compile_args = [*COMPILE_ARGS, *flags, "-Wno-deprecated-declarations"]
        extension.extra_link_args = tf.sysconfig.get_link_flags()
        super().build_extension(extension)
        info = pathlib.Path(self.get_ext_fullpath(OP_LIBRARY)).with_name(INFO)
        info.write_text(json.dumps({"tensorflow": tf.__version__}) + "\n")

    def copy_extensions_to_source(self):
        super().copy_extensions_to_source()
        for info in pathlib.Path(self.build_lib).rglob(INFO):
            shutil.copy(info, pathlib.Path("tfsp/tmc/native"))


class BuildPackage(build_py):
    """Puts the configs, and the scripts that the command `tfsp` runs, into the package."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for source, target in self._project_files():
                self.mkpath(str(pathlib.Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode=1):
        return [*super().get_outputs(include_bytecode), *(t for _, t in self._project_files())]

    def _project_files(self):
        sources = [f"scripts/{name}.py" for name in PROJECT["COMMANDS"]]
        for source in sources + sorted(glob.glob("configs/**/*.py", recursive=True)):
            yield source, str(pathlib.Path(self.build_lib, "tfsp", PROJECT["FOLDER"], source))


setup(
    ext_modules=[*cython_extensions(), op_extension()],
    cmdclass={"build_ext": BuildExtensions, "build_py": BuildPackage},
)
