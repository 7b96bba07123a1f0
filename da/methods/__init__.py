"""Transfer methods: one paper, one file, one YAML of the same name in ``conf/method``."""
