"""What the build of the documentation writes beside its pages holds no tests of its own."""

collect_ignore_glob = ["conf.py", "_build/*", "auto_examples/*", "generated/*"]
