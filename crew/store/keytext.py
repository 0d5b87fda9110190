"""The text of an API key: made, recognised, hashed. `sk_<env>_<12 to find it><43 of secret><6 of checksum>`."""

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOOKUP, _SECRET, _CHECK = 12, 43, 6
_FORM = re.compile(rf"sk_(local|production)_([0-9A-Za-z]{{{_LOOKUP}}})_([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})")


@dataclass(frozen=True)
class KeyText:
    """A key as its owner holds it, and the part by which it is found. 43 characters of 62 are 256 bits."""

    text: str
    lookup: str

    @property
    def hash(self) -> str:
        """What is stored. A fast hash is right here: the secret is random, so there is nothing to guess."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, stored_hash: str) -> bool:
        """Whether this is the key that was stored, compared in constant time."""
        return hmac.compare_digest(self.hash, stored_hash)


def make_key(env: str, *, choose: Callable[[str], str] = secrets.choice) -> KeyText:
    """A new random key for `env`."""
    lookup = "".join(choose(_ALPHABET) for _ in range(_LOOKUP))
    body = f"sk_{env}_{lookup}_" + "".join(choose(_ALPHABET) for _ in range(_SECRET))
    return KeyText(body + _checksum(body), lookup)


def read_key(text: str) -> KeyText | None:
    """The key that `text` spells; None for anything else, typing errors included, without asking the database."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        return None
    return KeyText(text, found.group(2))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits
