"""Attached documents put on the fact sheet: what was taken, what was left out and why, and the passages that speak of the business."""

from collections.abc import Sequence
from datetime import date

from crew.agents.library import Library
from crew.agents.metering import Meter
from crew.analytics.outside_texts import without_instructions
from crew.domain.document import AttachedDocument, DocumentText, attached
from crew.domain.evidence import Gap
from crew.domain.factsheet import FactSheet, QualityFlag

PREFETCHED = 6
# What a report on a business speaks of, in English, Portuguese and Spanish: the query by which passages are taken without a model's asking.
KEY_TERMS = (
    "revenue sales growth margin profit outlook guidance demand customers competition risk regulation litigation debt cash dividend buyback "
    "receita vendas crescimento margem lucro perspectivas demanda clientes concorrência risco dívida caixa dividendos "
    "ingresos ventas crecimiento margen beneficio perspectivas demanda clientes competencia riesgo deuda efectivo dividendos"
)


def listed(sources: Sequence[DocumentText], as_of: date) -> tuple[AttachedDocument, ...]:
    """The documents in the order of the request; one that became public after `as_of` is left out, and says so."""
    return tuple(attached(number, source.document, left_out=_why_left_out(source, as_of)) for number, source in enumerate(sources, start=1))


def readable(sources: Sequence[DocumentText], documents: Sequence[AttachedDocument]) -> dict[int, DocumentText]:
    """The documents that were not left out, by number."""
    return {item.number: source for item, source in zip(documents, sources, strict=True) if item.left_out is None}


def with_documents(sheet: FactSheet, documents: tuple[AttachedDocument, ...], library: Library, meter: Meter | None = None) -> FactSheet:
    """The sheet with the documents listed, the passages that best match the company's name and the key terms, and notes on dates.

    A passage that reads like an instruction is left out, as other texts from outside are.
    """
    most = max(1, PREFETCHED // max(1, len(library.sources)))
    query = f"{sheet.instrument.name} {KEY_TERMS}"
    passages = [item for number in library.sources for item in library.search(query, number=number, most=most, meter=meter)]
    gaps = [
        Gap(id=f"document.{item.number}", label=f"Attached document {item.number}", reason="not_applicable", detail=f"{item.name}: {item.left_out}")
        for item in documents
        if item.left_out
    ]
    flags = [flag for item in documents for flag in _flags(item)]
    quality = sheet.data_quality.model_copy(update={"flags": (*sheet.data_quality.flags, *flags)})
    noted = sheet.model_copy(update={"documents": documents, "gaps": (*sheet.gaps, *gaps), "data_quality": quality})
    return without_instructions(noted.with_evidence(passages))


def _why_left_out(source: DocumentText, as_of: date) -> str | None:
    day = source.document.as_of
    if day is None or day <= as_of:
        return None
    return f"it became public on {day.isoformat()}, after the day this report speaks of, and was not read"


def _flags(item: AttachedDocument) -> list[QualityFlag]:
    name = f"The attached document {item.number}"
    flags = []
    if item.left_out is not None:
        flags.append(QualityFlag(code="document_left_out", severity="warning", message=f"{name} was left out: {item.left_out}."))
    elif item.as_of is None:
        message = f"{name} has no date: whether it was public on the day this report speaks of is not known."
        flags.append(QualityFlag(code="document_undated", severity="warning", message=message))
    if item.pages_without_text:
        message = f"{name} has {item.pages_without_text} of {item.pages} pages without text (pictures of text, perhaps), which were not read."
        flags.append(QualityFlag(code="document_pages_without_text", severity="info", message=message))
    return flags
