"""DBOS's checkpoints as JSON in place of pickle, so that writing to the database is not running code in a worker."""

import json
from typing import Any

from dbos import Serializer

_ERROR = "$error"


class CheckpointError(Exception):
    """An exception read back from a checkpoint: its type's name and its text, nothing executable."""


class JsonSerializer(Serializer):
    """Plain JSON values; an exception becomes its type's name and text."""

    def serialize(self, data: Any) -> str:
        """JSON text of `data`.

        Raises:
            TypeError: `data` is neither plain JSON values nor an exception.
        """
        return json.dumps(data, default=_encode, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """The values of `serialize`."""
        value = json.loads(serialized_data)
        return CheckpointError(value[_ERROR]) if isinstance(value, dict) and _ERROR in value else value

    def name(self) -> str:
        """The name that rows carry."""
        return "stockcrew_json"


def _encode(value: object) -> Any:
    if isinstance(value, BaseException):
        return {_ERROR: f"{type(value).__name__}: {value}"}
    raise TypeError(f"{type(value).__name__} does not belong into a checkpoint")
