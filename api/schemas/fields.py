"""What requests and answers of every resource are made of: base models, kinds of values, common headers."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from crew.domain.analysis import LONGEST_DEADLINE_S
from crew.domain.base import whole
from crew.domain.document import DOCUMENT_ID
from crew.domain.instrument import normalise_symbol

_LONGEST_KEY = 255
ANALYSIS_ID = r"an_[a-z2-7]{26}"
KEY_ID = r"key_[a-z2-7]{26}"
NAME = r"[a-z][a-z0-9_]{0,39}"


def _ascii_symbol(text: str) -> str:
    if not text.isascii() or "\x00" in text:
        raise ValueError("not a ticker: use 1 to 20 of A-Z 0-9 . - = ^, for example AAPL, BRK-B, PETR4.SA or BTC-USD")
    return normalise_symbol(text)


def _digits(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError("must be a whole number in decimal digits")
    return value


def _unquoted(value: object) -> object:
    """A structured-field string ("…") or the bare text, which many clients send."""
    text = str(value)
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not 1 <= len(bare) <= _LONGEST_KEY or any(not "!" <= letter <= "~" or letter == '"' for letter in bare):
        raise ValueError("must be 1 to 255 visible ASCII characters, with or without quotes around them")
    return bare


SYMBOL_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": 20,
    "pattern": r"^[A-Za-z0-9^]([.]?[A-Za-z0-9=^-]+)*[.]?$",
    "examples": ["AAPL", "PETR4.SA"],
}
SymbolText = Annotated[str, AfterValidator(_ascii_symbol), WithJsonSchema(SYMBOL_SCHEMA)]
KeyHeader = Annotated[
    str,
    BeforeValidator(_unquoted),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$", "examples": ["3f6c0a52-5d0e-4a7e-9d7b-0d8f4f0c1a11"]}
    ),
]
DocumentIdText = Annotated[str, Field(pattern=f"^{DOCUMENT_ID}$", examples=["do_aghk4lnbpj7rhfabk5gvk43pku"])]
PageSize = Annotated[int, Field(ge=1, le=10**9), BeforeValidator(_digits)]
DeadlineSeconds = Annotated[int, Field(ge=1, le=LONGEST_DEADLINE_S), BeforeValidator(whole)]
Seconds = Annotated[int, Field(ge=0, le=30 * 86_400), BeforeValidator(whole)]
Seq = Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_digits)]


class Sent(BaseModel):
    """What a client sends: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answered(BaseModel):
    """What the service answers: only what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyedHeaders(Sent):
    """Headers of a request that may be sent again without being carried out again."""

    idempotency_key: KeyHeader | None = Field(
        None, alias="Idempotency-Key", description="A name of your choice for this request; the first answer under it is given again for 24 hours."
    )


class ListQuery(Sent):
    """Which page of a list."""

    limit: PageSize = Field(20, description="Items per page; more than 100 counts as 100.")
    cursor: str | None = Field(None, min_length=1, max_length=500, description="`next_cursor` of the page before, with the same filters.")


class IfMatchHeaders(Sent):
    """Headers of a request that changes what its author has read."""

    # Required, and optional here only so that its absence is 428 and not 422.
    model_config = ConfigDict(json_schema_extra={"required": ["If-Match"]})

    if_match: str | None = Field(
        None,
        alias="If-Match",
        max_length=500,
        json_schema_extra={"pattern": "[!-~]"},
        description="The ETag of the resource as you read it. Without it the answer is 428, and 412 when the resource has changed since.",
    )


class WaitHeaders(Sent):
    """Headers of a request that may stay open until the analysis has ended."""

    prefer: str | None = Field(None, alias="Prefer", max_length=200, description="`wait=n` stays open for up to n (at most 30) seconds.")
