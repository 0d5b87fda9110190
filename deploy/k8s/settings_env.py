"""Write deploy/k8s/base/settings.env: every setting with its meaning, set where Kubernetes needs it, else as a comment with its default.

`python -m deploy.k8s.settings_env` writes the file; a test sees to it that it names every setting of crew/settings.py.
"""

import sys
from pathlib import Path
from typing import Any

from pydantic import AliasChoices

from crew.settings import Settings

FILE = Path(__file__).parent / "base" / "settings.env"
SET = {
    "STOCKCREW_ENV": "production",
    "STOCKCREW_MARKET_DATA": "yahoo",
    "STOCKCREW_MODEL": "rules",
    "STOCKCREW_TRUSTED_PROXIES": "1",
    "STOCKCREW_WORKER_CONCURRENCY": "8",
}
# Given by the Deployments from Secrets, or by the image.
ELSEWHERE = frozenset({"STOCKCREW_SECRET_KEY", "STOCKCREW_BOOTSTRAP_KEY", "DATABASE_URL", "REDIS_URL", "STOCKCREW_DRAIN_S"})
OF_THE_IMAGE = frozenset({"STOCKCREW_DATA_DIR", "STOCKCREW_HOST", "STOCKCREW_AGENTS_FILE", "STOCKCREW_TASKS_FILE", "STOCKCREW_SAMPLE_DIR"})
OF_THE_IMAGE |= {"STOCKCREW_PRICES_FILE"}
HEAD = """# The ConfigMap `stockcrew`: every setting of crew/settings.py that is no secret.
# Uncomment and change, or add a line to an overlay's configMapGenerator.
# Written by `python -m deploy.k8s.settings_env`.
"""


def names() -> dict[str, Any]:
    """The environment variable of each setting, with its field."""
    found = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found[str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"STOCKCREW_{name.upper()}"] = field
    return found


def text() -> str:
    """The whole file."""
    blocks = [HEAD]
    for name, field in names().items():
        if name in ELSEWHERE | OF_THE_IMAGE:
            continue
        line = f"{name}={SET[name]}" if name in SET else f"# {name}={_written(field.default)}"
        blocks.append(f"# {field.description}\n{line}\n")
    return "\n".join(blocks)


def _written(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(default)
    return "" if default is None else str(default)


def main() -> int:
    """Write the file."""
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
