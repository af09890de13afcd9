"""The worker's own /metrics: served in threads of its own, to whom may scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socket import AF_INET, AF_INET6
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from schemas.settings import Settings
from serving.access.errors import NotKnown
from serving.access.scraping import PROXIED, Scraping

_Answer = Iterable[bytes]
_Start = Callable[..., Any]
_PROXIED = tuple(f"HTTP_{name.upper().replace('-', '_')}" for name in PROXIED)


class _Quiet(WSGIRequestHandler):
    """Logs no request: there is one every few seconds."""

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def address_string(self) -> str:
        """The address itself, without asking for its name."""
        return str(self.client_address[0])


class ScrapedOnly:
    """The client library's application, for those who may scrape."""

    def __init__(self, scraping: Scraping) -> None:
        self._scraping, self._app = scraping, make_wsgi_app()

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> _Answer:
        """One request."""
        try:
            self._scraping.require(
                environ.get("REMOTE_ADDR", ""),
                environ.get("HTTP_AUTHORIZATION"),
                proxied=any(name in environ for name in _PROXIED),
            )
        except NotKnown as error:
            headers = [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")]
            start_response("401 Unauthorized", headers)
            return [f"{error}\n".encode()]
        answer: _Answer = self._app(environ, start_response)
        return answer


def serve_metrics(settings: Settings) -> None:
    """Serve on the worker's port until the process ends.

    Raises: OSError for a port that can't be had; EnvironmentBroken for a token file that others
    may read.
    """
    app = ScrapedOnly(Scraping.of(settings))

    class OfFamily(ThreadingWSGIServer):
        address_family = AF_INET6 if ":" in settings.host else AF_INET

    server = make_server(settings.host, settings.worker_port, app, OfFamily, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
