"""What the reporting API's OpenAPI document says of who may ask: of every address but the open
ones.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from metrics.api.access import OPEN_PATHS, SCRAPED
from metrics.api.problems import documented
from serving.access.described import KEY_SCHEMES, SCRAPE_SCHEME

# where access is open nothing is asked for
_READERS: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}, {}]
_SCRAPERS: list[dict[str, list[str]]] = [{"scrape": []}, {}]


def described(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        document.setdefault("components", {})["securitySchemes"] = {**KEY_SCHEMES, **SCRAPE_SCHEME}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _add_to(path, operation)
    assert app.openapi_schema is not None
    return app.openapi_schema


def _add_to(path: str, operation: dict[str, Any]) -> None:
    if path in OPEN_PATHS:
        operation["security"] = []
        return
    scraped = path == SCRAPED
    operation["security"] = _SCRAPERS if scraped else _READERS
    told = documented(401) if scraped else documented(401, 403)
    operation["responses"] |= {str(status): answer for status, answer in told.items()}
