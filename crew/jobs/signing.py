"""Signatures of Standard Webhooks: HMAC-SHA256 over id, timestamp and body."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"


def signed_headers(id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a message; with several `secrets`, while one replaces another, one signature for each."""
    timestamp = str(int(at.timestamp()))
    content = f"{id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(_key(secret), content, hashlib.sha256)).decode() for secret in secrets)
    return {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures)}


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX))
