"""The compiled loops, and the README for PyPI.

The loops are optional: without a compiler the package is pure Python.
"""

import re
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = "skbptt/loops/"

FLAGS = {
    # No loop may be kept from vectors by errno or by traps, which nothing here reads.
    "unix": ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0"],
    "msvc": ["/O2", "/std:c11"],
}


def readme():
    """The README with absolute links, since PyPI shows it far from the other files."""
    version = re.search(r'__version__ = "(.+)"', Path("skbptt/__init__.py").read_text())[1]
    text = Path("README.md").read_text("utf-8")
    for before, kind in ((r"(!\[[^]]*\]\()", "raw"), (r"(\]\()", "blob")):
        root = f"https://github.com/skbptt/skbptt/{kind}/v{version}/"
        text = re.sub(before + r"(?!https?:)", rf"\1{root}", text)
    return text


class BuildLoops(build_ext):
    def build_extensions(self):
        for extension in self.extensions:
            extension.extra_compile_args = FLAGS.get(self.compiler.compiler_type, [])
        super().build_extensions()


loops = Extension(
    "skbptt.loops._loops",
    [FOLDER + name for name in ("_loops.pyx", "loops.c", "adam.c")],
    depends=[*glob(FOLDER + "**/*.h", recursive=True), *glob(FOLDER + "*.pxi")],
    include_dirs=[FOLDER],
)
(loops,) = cythonize([loops], build_dir="build")
loops.optional = True  # which Cython would not hand on
setup(
    ext_modules=[loops],
    cmdclass={"build_ext": BuildLoops},
    long_description=readme(),
    long_description_content_type="text/markdown",
)
