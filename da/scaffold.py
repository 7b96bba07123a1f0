"""A new method's two files."""

from __future__ import annotations

import re
from pathlib import Path

from da import catalog
from da.errors import ConfigError, nearest

METHOD = '''"""{title}."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.domain import Batch
from da.methods.base import Method, Terms
from da.setting import ALL, Access


class {class_name}(Method):
    """One line that says what the method does.

    Reference: authors, title, venue and year, with the equations that are implemented.
    """

    needs = Access(source_y=ALL, target_x=True)
    space = {{}}  # ranges to search, such as {{"weight": log_uniform(0.1, 10.0)}} from da.space

    def __init__(self) -> None:  # hyper-parameters: keyword-only, annotated, the same defaults in the YAML
        super().__init__()

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.views(batch)  # each has z, logits, y and weight
        return {{"task": cross_entropy(source.logits, source.y)}}  # add a term of your own on source.z, target.z
'''


def families() -> list[str]:
    """The folders of ``da/methods``."""
    return sorted(
        folder.name for folder in (catalog.ROOT / "da" / "methods").iterdir() if (folder / "__init__.py").is_file()
    )


def new_method(name: str, family: str) -> tuple[Path, Path]:
    """Write ``da/methods/FAMILY/NAME.py`` and ``conf/method/NAME.yaml``: source-only, ready to be given a term.

    Raises:
        ConfigError: the name is no Python name or is taken, or there is no such family.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ConfigError(
            f"'{name}' cannot name a method; use lower-case words joined by underscores, such as my_method."
        )
    if family not in families():
        raise ConfigError(f"There is no family '{family}'; {nearest(family, families())}")
    code = catalog.ROOT / "da" / "methods" / family / f"{name}.py"
    config = catalog.CONF / "method" / f"{name}.yaml"
    for file in (code, config):
        if file.exists():
            raise ConfigError(f"{file.relative_to(catalog.ROOT)} exists already; choose another name.")
    class_name = "".join(word.capitalize() for word in name.split("_"))
    code.write_text(METHOD.format(title=name.replace("_", " ").capitalize(), class_name=class_name), encoding="utf-8")
    config.write_text(f"_target_: da.methods.{family}.{name}.{class_name}\n", encoding="utf-8")
    catalog.entries.cache_clear()
    return code, config
