"""Pages that pytest leaves out: tests/test_recipes.py runs the recipes and the examples of
third-party tools one by one, skipping those whose packages are not installed, and what the
build writes contains no further tests.
"""

collect_ignore_glob = [
    "conf.py",
    "recipes.rst",
    "third_party.rst",
    "_build/*",
    "auto_examples/*",
    "generated/*",
]
