"""`stockcrew analyze --document`: files in, quotations out, and one clear sentence where a file cannot be read."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fakes.pdfs import locked, pdf

from crew.documents.local import LocalDocuments
from crew.settings import inherited_environment

ROOT = Path(__file__).resolve().parents[2]
QUOTE = "Apple said that revenue growth depends on demand in China."


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = inherited_environment(STOCKCREW_DATA_DIR=str(folder / "data"), STOCKCREW_MARKET_DATA="sample")
    command = [sys.executable, "-m", "crew.cli", "analyze", "AAPL", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_documents_are_quoted_with_page_and_offset(tmp_path: Path) -> None:
    """A PDF and a page of HTML, one dated too late: the first is quoted from its page, the second left out; two runs give the same."""
    (tmp_path / "call.pdf").write_bytes(pdf("Cover sheet of the call.", QUOTE))
    (tmp_path / "late.html").write_text("<p>Apple revenue doubled, said Apple.</p>")
    arguments = ("--format", "json", "--document", f"{tmp_path}/call.pdf@2026-02-01", "--document", f"{tmp_path}/late.html@2026-03-13")
    runs = [analyze(tmp_path, *arguments, "--as-of", "2026-03-12") for _ in range(2)]
    assert runs[0].returncode == 0, runs[0].stderr
    report, again = (json.loads(run.stdout) for run in runs)
    quoted = next(item for item in report["evidence"] if item["value"] == QUOTE)

    assert quoted["label"] == "Attached document 1, page 2"
    assert ", page 2, characters 26 to 84" in quoted["locator"]
    assert any(f"[[{quoted['id']}]]" in paragraph["text"] for section in report["sections"] for paragraph in section["paragraphs"])
    assert [(item["name"], item["as_of"], item["left_out"] is None) for item in report["documents"]] == [
        ("call.pdf", "2026-02-01", True),
        ("late.html", "2026-03-13", False),
    ]
    assert "doubled" not in json.dumps([report["evidence"], report["sections"]])
    assert (report["documents"], report["evidence"][-1]) == (again["documents"], again["evidence"][-1])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.pdf", None, "missing.pdf cannot be read: No such file"),
        ("table.xlsx", b"x", "is of a kind that cannot be attached; use .txt, .md"),
        ("locked.pdf", locked(pdf("x"), password="p"), "locked.pdf: the PDF is encrypted"),
        ("empty.txt", b"", "holds no text"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    """What is wrong with a file is said before any work is done, and the exit code is that of wrong input."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = analyze(tmp_path, "--document", str(tmp_path / name))

    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_id_follows_from_the_content(tmp_path: Path) -> None:
    """The same bytes under two names are one document; the day stands behind the last @, unless a file is really named so."""
    for name in ("a.txt", "b.txt", "c.txt@2026-01-01.txt"):
        (tmp_path / name).write_text("Iron is dear." if name != "c.txt@2026-01-01.txt" else "Tin is not.")

    def read(*named: str) -> LocalDocuments:
        return LocalDocuments([str(tmp_path / name) for name in named], timeout_s=20, most_bytes=100)

    first, second = read("a.txt@2026-02-01"), read("b.txt", "c.txt@2026-01-01.txt")
    (found,) = first.texts(first.ids)

    assert first.ids == second.ids[:1]
    assert found.document.as_of == date(2026, 2, 1)
    assert found.document.created_at <= datetime.now(UTC)
    assert [text.document.as_of for text in second.texts(second.ids)] == [None, None]
