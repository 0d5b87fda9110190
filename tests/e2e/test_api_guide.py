"""docs/api.md: its Python runs as it stands against the running service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.service import embedded_service

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.timeout(300)
def test_the_guide_runs(tmp_path: Path) -> None:
    """The blocks one after the other are one program that ends without an error and prints a rating, a figure and the last event."""
    program = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
    with embedded_service(tmp_path / "service.log") as url:
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "BASE_URL": url},
            capture_output=True,
            text=True,
            timeout=240,
        )

    assert run.returncode == 0, run.stderr
    assert re.search(r"^(strong_buy|buy|hold|sell|strong_sell|not_rated) #", run.stdout, re.MULTILINE)
    assert "1 refused not a ticker" in run.stdout
    assert re.search(r"^\d+ done$", run.stdout, re.MULTILINE)
