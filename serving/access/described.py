"""How OpenAPI describes the ways in which a request says who it is: alike at every door."""

from __future__ import annotations

from typing import Any

KEY_SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "basic",
        "description": "The client's name, and a key of it as the password",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the client, or a token from the gateway's POST /oauth/token",
    },
}
SCRAPE_SCHEME: dict[str, Any] = {
    "scrape": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of LGSP_METRICS_TOKEN_FILE; this machine needs none",
    }
}
