"""The blueprint and the report stay light: the API process imports them."""

import subprocess
import sys

import pytest

HEAVY = ("crewai", "langchain", "langchain_core", "pandas", "numpy", "yfinance", "flask")


@pytest.mark.parametrize(
    "module", ["crew.blueprint.loader", "crew.blueprint.catalog", "crew.report.compose", "crew.report.html", "crew.report.markdown"]
)
def test_importing_it_brings_nothing_heavy(module: str) -> None:
    """A fresh interpreter that imports the module has none of the heavy libraries loaded."""
    program = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["api.app", "crew.documents.extraction", "crew.documents.cleaning", "crew.store.documents"])
def test_parsers_of_documents_are_loaded_in_their_own_process_only(module: str) -> None:
    """The API process never imports what reads PDFs and HTML, nor what splits and searches their text."""
    names = ("pypdf", "selectolax", "langchain_core", "langchain_text_splitters", "crewai", "numpy")
    program = f"import sys, {module}; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


def test_the_api_loads_no_cryptography_until_it_seals() -> None:
    """Building the application loads neither the library that seals secrets nor the job engine."""
    program = (
        "import sys, tempfile; from pathlib import Path; from api.app import create_app; from crew.settings import Settings\n"
        "create_app(Settings(data_dir=Path(tempfile.mkdtemp())))\n"
        "print([name for name in ('cryptography', 'dbos', 'crewai', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip().splitlines()[-1] == "[]"
