"""Secrets that must be had back, such as those that sign webhooks, encrypted with a key derived from the service's own."""

import base64
import binascii
import os
from collections.abc import Callable

from crew.errors import ConfigurationError

_VERSION = "v1."
_NONCE_BYTES = 12
_PURPOSE = b"stockcrew stored secrets v1"


class Seal:
    """Encrypts and decrypts texts (AES-256-GCM). What is sealed for one `context` cannot be opened for another.

    Args:
        key: gives the service's secret, asked for on first use.
        random_bytes: makes the nonces.
    """

    def __init__(self, key: Callable[[], bytes], *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = key
        self._random_bytes = random_bytes
        self._derived: bytes | None = None

    def close(self, text: str, *, context: str) -> str:
        """`text` sealed."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - most processes never seal anything

        nonce = self._random_bytes(_NONCE_BYTES)
        return _VERSION + base64.b64encode(nonce + AESGCM(self._derive()).encrypt(nonce, text.encode(), context.encode())).decode()

    def open(self, sealed: str, *, context: str) -> str:
        """What was sealed for `context`.

        Raises:
            ConfigurationError: it was sealed with another key.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        try:
            raw = base64.b64decode(sealed.removeprefix(_VERSION), validate=True)
            return AESGCM(self._derive()).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise ConfigurationError(
                "a stored secret cannot be read: it was stored under another STOCKCREW_SECRET_KEY; set that one again, or rotate the secret"
            ) from None

    def _derive(self) -> bytes:
        if self._derived is None:
            from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

            self._derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(self._key())
        return self._derived
