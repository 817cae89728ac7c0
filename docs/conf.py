"""Configuration of the documentation, and the role ``code-line``."""

import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import isclass, isfunction, unwrap
from operator import attrgetter
from pathlib import Path

from docutils import nodes
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxRole

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from skbptt import __version__  # noqa: E402

project = "skbptt"
author = "The skbptt developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
autosummary_generate = True
templates_path = ["_templates"]
numpydoc_show_class_members = False
math_eqref_format = "({number})"
toc_object_entries_show_parents = "hide"
copybutton_prompt_text = r">>> |\.\.\. ?|\$ "
copybutton_prompt_is_regexp = True

# One file that needs nothing from elsewhere, so that the pages work offline.
MATHJAX = Path(find_spec("sphinx-mathjax-offline").origin).with_name("static")
MATHJAX = MATHJAX / "mathjax/tex-svg.js"
mathjax_path = MATHJAX.name

html_theme = "pydata_sphinx_theme"
html_title = f"skbptt {release}"
html_show_sourcelink = False
html_static_path = ["_static", str(MATHJAX)]
html_css_files = ["custom.css"]
html_theme_options = {
    "logo": {"text": "skbptt"},
    "github_url": "https://github.com/skbptt/skbptt",
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
ALONE = ["index", "recipes", "bptt", "sequence_models", "developers"]
html_sidebars = {page: [] for page in ALONE}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": r"^(?!plot_)",  # scripts that draw nothing
    "within_subsection_order": "FileNameSortKey",
    "doc_module": "skbptt",
    "backreferences_dir": "generated/backreferences",
    "reference_url": {"skbptt": None},
    "thumbnail_size": (480, 336),
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "parallel": 2,
}


class CodeLineError(SphinxError):
    category = "Pointer to code"


class CodeLine(SphinxRole):
    """Point to a line of code by what it says, so that the pointer cannot go stale.

    ``:code-line:`path: code``` shows the path, counted from the root of the repository,
    with the number of the one line that reads ``code``, and that line. Indentation and the
    width of white space do not count. The build fails unless there is exactly one.
    """

    def run(self):
        path, _, code = self.text.partition(": ")
        file = ROOT / path
        if not file.is_file():
            raise CodeLineError(f"{self.get_location()}: there is no file {path!r}")
        self.env.note_dependency(str(file))
        code = " ".join(code.split())
        lines = [" ".join(row.split()) for row in file.read_text("utf-8").splitlines()]
        found = [number for number, line in enumerate(lines, 1) if line == code]
        if len(found) != 1:
            raise CodeLineError(
                f"{self.get_location()}: {path} has {len(found)} lines {code!r}, not one"
            )
        place = f"{path}:{found[0]}"
        return [nodes.literal(place, place), nodes.Text(" "), nodes.literal(code, code)], []


def defining_module(app, module, attribute):
    """The module whose file defines an attribute, for the links to the source.

    Public classes are named by the module that exports them. Their methods know the file.
    """
    value = attrgetter(attribute)(import_module(module))
    if isclass(value):
        own = f"{value.__qualname__}."
        functions = filter(isfunction, vars(value).values())
        value = next((f for f in functions if f.__qualname__.startswith(own)), None)
    value = unwrap(value)
    return value.__globals__["__name__"] if isfunction(value) else None


def setup(app):
    app.add_role("code-line", CodeLine())
    app.connect("viewcode-follow-imported", defining_module)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
