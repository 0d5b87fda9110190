"""`stockcrew worker` where the crew's packages are not installed, as in the API's image."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = "import sys; sys.modules['crewai'] = None; from crew.cli import main; main(['worker'])"


def test_a_worker_without_its_packages_says_where_to_find_them(tmp_path: Path) -> None:
    """One sentence and exit code 2, instead of a traceback."""
    environment = {**os.environ, "STOCKCREW_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stderr.startswith("stockcrew: the worker's packages are not installed: ")
    assert "the image `worker` or `all`" in done.stderr
    assert len(done.stderr.splitlines()) == 1
