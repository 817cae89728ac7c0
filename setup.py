"""The compiled loops, which are optional: without a compiler the package is pure Python."""

from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = "skbptt/loops/"

FLAGS = {
    # No loop may be kept from vectors by errno or by traps, which nothing here reads.
    "unix": ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0"],
    "msvc": ["/O2", "/std:c11"],
}


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
setup(ext_modules=[loops], cmdclass={"build_ext": BuildLoops})
