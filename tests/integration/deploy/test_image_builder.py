"""How `.ci/image.sh` chooses what builds the image: the builder beside the checkout, a Docker engine, or a loud failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILDER = '#!/bin/sh\necho "built: $*"\necho "CONTAINERS_CONF=/x podman --root /y run --rm -p 127.0.0.1:8000:8000 $2"\n'


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the script reads, and a Docker whose engine does not answer."""
    folder = tmp_path / "checkout"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/image.sh", folder / ".ci/image.sh")
    shutil.copy(ROOT / "pyproject.toml", folder)
    _script(tmp_path / "bin/docker", "#!/bin/sh\nexit 1\n")
    return folder


def _build(checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(["bash", ".ci/image.sh", "api", "tag"], cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)


def test_without_builder_and_engine_it_fails_loudly(checkout: Path) -> None:
    """Nothing is built, nothing is pretended."""
    done = _build(checkout)

    assert done.returncode == 1
    assert "cannot be built" in done.stderr
    assert done.stdout == ""


def test_a_docker_engine_is_used(checkout: Path) -> None:
    """The last line is the engine's prefix, and the build is given target, version and revision."""
    _script(checkout.parent / "bin/docker", '#!/bin/sh\n[ "$1" = info ] || echo "$@"\n')
    done = _build(checkout)

    assert (done.returncode, done.stdout) == (0, "docker\n")
    assert "build --quiet --tag tag --target api --build-arg REVISION=unknown --build-arg VERSION=" in done.stderr


def test_the_builder_beside_the_checkout_goes_first(checkout: Path) -> None:
    """Its last line, without the example of a run, is the prefix."""
    _script(checkout.parent / "shared/tools/image-build", BUILDER)
    done = _build(checkout)

    assert (done.returncode, done.stdout) == (0, "CONTAINERS_CONF=/x podman --root /y\n")


def test_a_builder_that_fails_is_shown(checkout: Path) -> None:
    """The end of its log is what one needs to see."""
    _script(checkout.parent / "shared/tools/image-build", "#!/bin/sh\necho the reason\nexit 3\n")
    done = _build(checkout)

    assert done.returncode == 1
    assert "the reason" in done.stderr
    assert "building api failed" in done.stderr
