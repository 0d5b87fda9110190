"""Texts from outside that read like instructions leave the fact sheet: neither a model nor a reader sees them, and the sheet says so."""

from crew.domain.evidence import Evidence, Gap
from crew.domain.factsheet import FactSheet, QualityFlag
from crew.domain.instrument import Instrument
from crew.domain.outside import is_hostile_name, reads_like_instruction

_DETAIL = "the text reads like an instruction to a reader or to a model and is left out"
_NAMED = ("exchange", "country", "sector", "industry", "description")


def without_instructions(sheet: FactSheet) -> FactSheet:
    """`sheet` without texts that read like instructions; each is a gap, and a flag is shown first. The symbol stands in for such a name."""
    hostile = [item for item in sheet.evidence if _is_hostile(item)]
    instrument = _cleared(sheet.instrument)
    if not hostile and instrument == sheet.instrument:
        return sheet
    gaps = [Gap(id=item.id, label=item.id, reason="not_applicable", detail=_DETAIL) for item in hostile]
    count = max(len(hostile), 1)
    message = f"{count} {'text' if count == 1 else 'texts'} from outside read like instructions and are left out"
    flag = QualityFlag(code="outside_text_left_out", severity="warning", message=message)
    return sheet.model_copy(
        update={
            "instrument": instrument,
            "evidence": tuple(item for item in sheet.evidence if not _is_hostile(item)),
            "gaps": (*sheet.gaps, *gaps),
            "data_quality": sheet.data_quality.model_copy(update={"flags": (flag, *sheet.data_quality.flags)}),
        }
    )


def _is_hostile(item: Evidence) -> bool:
    return item.kind == "text" and (reads_like_instruction(str(item.value)) or is_hostile_name(item.label))


def _cleared(instrument: Instrument) -> Instrument:
    changes: dict[str, str | None] = {name: None for name in _NAMED if reads_like_instruction(getattr(instrument, name) or "")}
    if is_hostile_name(instrument.name):
        changes["name"] = instrument.symbol
    return instrument.model_copy(update=changes) if changes else instrument
