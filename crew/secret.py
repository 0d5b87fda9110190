"""The service's secret: the configured one, or on a laptop one made once and kept in the data folder."""

import os
import secrets
from pathlib import Path

from crew.errors import ConfigurationError
from crew.settings import Settings

_FILE = "secret.key"


def secret_key(settings: Settings) -> bytes:
    """The service's secret, the same for every process on this data folder.

    Raises:
        ConfigurationError: none is configured and the data folder cannot keep one.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / _FILE
    try:
        return _kept(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read or written ({error.strerror}): set STOCKCREW_DATA_DIR to a writable folder, or STOCKCREW_SECRET_KEY"
        ) from None


def _kept(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{_FILE}.{secrets.token_hex(8)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # several processes may start at once: only the first link succeeds, all read the same file
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
