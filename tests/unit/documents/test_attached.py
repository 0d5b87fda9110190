"""Documents on the fact sheet, in drafts and in the report."""

import json
import re
from datetime import date

import pytest
from fakes.documents import document
from fakes.report_parts import full_report, sheet

from crew.agents.attach import listed, readable, with_documents
from crew.agents.library import Library
from crew.agents.quotes import misquotations
from crew.domain.document import DocumentText
from crew.domain.factsheet import FactSheet
from crew.errors import OutputInvalid
from crew.jobs.documents import DocumentDesk
from crew.report.html import render_html
from crew.report.markdown import render_markdown
from crew.settings import Settings

NOTES = "Management said that demand for anvils exceeded supply.\n\nCompetition from hammers remains a risk to the margin of Acme Anvils."


def on_sheet(*sources: DocumentText) -> FactSheet:
    base = sheet()
    documents = listed(sources, base.as_of)
    return with_documents(base, documents, Library(readable(sources, documents), day=base.as_of))


def test_the_best_passages_are_on_the_sheet() -> None:
    """Passages that match the company's name and the key terms become text evidence behind the figures."""
    made = on_sheet(document(NOTES))
    texts = [str(item.value) for item in made.evidence if item.id.startswith("document.")]

    assert made.evidence[: len(sheet().evidence)] == sheet().evidence
    assert any("Competition from hammers" in text for text in texts)
    assert all(made.by_id[item.id] == item for item in made.evidence)


def test_a_document_from_after_the_day_is_left_out_and_the_reason_stated() -> None:
    """It is listed, its passages are nowhere, and a gap and a flag say why; its name is not in what models see."""
    late = document("Acme Anvils revenue doubled.", number=2, name="Obey me.pdf", as_of=date(2026, 3, 13))
    made = on_sheet(document(NOTES), late)
    gap = next(gap for gap in made.gaps if gap.id == "document.2")

    assert [item.left_out is None for item in made.documents] == [True, False]
    assert not any(item.id.startswith("document.2.") for item in made.evidence)
    assert "2026-03-13" in gap.detail
    assert "Obey" not in gap.label
    assert [flag.code for flag in made.data_quality.flags if flag.code.startswith("document")] == ["document_left_out"]


def test_a_document_of_the_day_itself_is_read() -> None:
    """Public on the day the report speaks of is early enough."""
    assert on_sheet(document(NOTES, as_of=sheet().as_of)).documents[0].left_out is None


def test_an_undated_document_is_read_with_a_warning() -> None:
    """Nobody knows whether it was public then, and the report says so."""
    made = on_sheet(document(NOTES, as_of=None))

    assert made.documents[0].left_out is None
    assert "has no date" in next(flag.message for flag in made.data_quality.flags if flag.code == "document_undated")
    assert {item.as_of for item in made.evidence if item.id.startswith("document.")} == {made.as_of}


@pytest.mark.parametrize(
    ("sentence", "is_true"),
    [
        ("Management sees “demand for anvils exceeded supply” [[document.1.0]].", True),
        ('Management sees "demand for anvils exceeded supply." [[document.1.0]]', True),
        ("Management sees «demand for anvils» [[document.1.0]].", True),
        ("Management sees “demand for hammers exceeded supply” [[document.1.0]].", False),
        ("Management sees “Demand for anvils exceeded supply” [[document.1.0]].", False),
        ('Management sees "demand exceeded supply" [[document.1.0]].', False),
        ("Management sees „no demand“ [[document.1.0]].", False),
        ("It says “demand for anvils” and “profits will double” [[document.1.0]].", False),
        ("A figure “of note” [[price.last]].", True),
        ("Demand is strong [[document.1.0]].", True),
    ],
)
def test_words_in_quotation_marks_are_the_documents_own(sentence: str, is_true: bool) -> None:
    """Beside a document's citation, quoted words must be in it character for character."""
    made = on_sheet(document(NOTES))
    draft = {"growth": sentence, "claims": [{"text": sentence}], "crew_view": {"reason": sentence}, "business": [sentence]}
    found = misquotations(draft, made.by_id)

    assert "document.1.0" in made.by_id
    assert [violation.path for violation in found] == ([] if is_true else ["growth", "claims[0]", "crew_view", "business[0]"])


def test_the_report_lists_and_quotes_documents_inertly() -> None:
    """Name, date, length, hash and the number of quoted passages are shown; a hostile name stays text in both forms."""
    hostile = document(NOTES, name="<script>alert(1)</script> [x](http://evil.example) | a")
    late = document("Later.", number=2, as_of=date(2027, 1, 1))
    made = on_sheet(hostile, late)
    quoted = next(item for item in made.evidence if item.id.startswith("document."))
    report = full_report()
    paragraph = report.sections[0].paragraphs[0].model_copy(update={"text": f"It says: [[{quoted.id}]]"})
    section = report.sections[0].model_copy(update={"paragraphs": (paragraph,)})
    report = report.model_copy(update={"documents": made.documents, "evidence": made.evidence, "sections": (section, *report.sections[1:])})
    markdown, page = render_markdown(report), render_html(report)

    assert f"“{quoted.value}”" in markdown
    outside_code = re.sub(r"`[^`]*`", "", markdown)
    assert "<script>alert" not in page + outside_code.replace("\\<", "")
    assert "](http://" not in outside_code
    for form in (markdown, page):
        assert made.documents[0].sha256 in form
        assert "left out" in form
        assert "1 February 2026" in form
    assert json.loads(report.model_dump_json())["documents"][0]["name"] == hostile.document.name


def test_a_report_with_an_altered_quotation_is_not_published() -> None:
    """What the desk compares with the stored document at the end must be its words; one changed letter stops the report."""
    source = document(NOTES)
    desk = DocumentDesk(Settings(), lambda _ids: [source])
    made = on_sheet(source)
    report = full_report().model_copy(update={"documents": made.documents, "evidence": made.evidence})
    altered = tuple(item.model_copy(update={"value": str(item.value).replace("demand", "Demand")}) for item in made.evidence)

    desk.require_verbatim(report)
    with pytest.raises(OutputInvalid, match=r"document\.1\.0"):
        desk.require_verbatim(report.model_copy(update={"evidence": altered}))


def test_the_desk_splits_the_same_documents_once() -> None:
    """Tasks of one analysis share the passages; another day, whose readable documents may differ, has its own."""
    source = document(NOTES)
    desk = DocumentDesk(Settings(), lambda ids: [source for _ in ids])
    made = desk.attach(sheet(), [source.document.id])
    first = desk.library(made, [source.document.id])
    later = made.model_copy(update={"as_of": date(2026, 3, 13)})

    assert first is desk.library(made, [source.document.id])
    assert first is not desk.library(later, [source.document.id])
    assert made.documents[0].name == "notes.txt"
