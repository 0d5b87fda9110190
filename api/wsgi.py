"""The application as `api.wsgi:app`, for any WSGI server."""

from api.app import create_app
from crew import logs
from crew.settings import load_settings

_settings = load_settings()
logs.configure(_settings)
app = create_app(_settings)
