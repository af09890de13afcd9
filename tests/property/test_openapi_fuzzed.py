"""Whatever both ports describe in their OpenAPI, and whatever is not quite that: no failure, and no
answer that is not described.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from cubes import INDICATORS
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served import small_gateway, small_guarded_gateway, small_guarded_metrics, small_metrics
from strategies import examples

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
PORTS = {
    "gateway": small_gateway,
    "gateway, asked by an operator": small_guarded_gateway,
    "metrics": small_metrics,
    "metrics, asked by an agency's reader": small_guarded_metrics,
}


# What the small province knows, and days at the ends of the calendar: what is made up would mostly
# be refused at once.
KNOWN = {
    "id": [*INDICATORS, "nope"],
    "indicator": [*INDICATORS],
    "agency": ["TST.A", "TST.X"],
    "code": ["TST.A", "TST.Y"],
    "name": ["shop", "nobody"],
    "origin": ["http:x/1", "http:x"],
    "field": ["land"],
    "kind": ["received", "closed", "open"],
    "measure": ["received", "closed"],
    "books": ["lgsp"],
    "from": ["0001-01-01", "0001-12-31", "2024-02-29", "9999-12-01"],
    "to": ["0001-01-31", "2024-02-29", "9999-12-31"],
    "as_of": ["0001-01-01", "2025-11-03", "9999-12-31"],
    "day": ["0001-01-01", "2025-11-03", "9999-12-31"],
}


@pytest.fixture(scope="module", params=PORTS)
def described(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """What a port says of itself, with values that it knows, to be asked there."""
    with PORTS[request.param](tmp_path_factory.mktemp("described")) as app:
        said = json.loads(json.dumps(app.openapi()))
        for operation in (one for path in said["paths"].values() for one in path.values()):
            for parameter in operation.get("parameters", []):
                if parameter["name"] in KNOWN:
                    parameter["schema"] = {"type": "string", "enum": KNOWN[parameter["name"]]}
        schema = schemathesis.openapi.from_dict(said)
        schema.app = app
        yield schema


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_every_answer_is_one_that_is_described(described: Any, mode: GenerationMode) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 4
    for operation in operations:
        if mode.is_negative and not operation.body and not any(operation.iter_parameters()):
            continue  # it takes nothing that could be wrong

        @given(operation.as_strategy(generation_mode=mode))
        @examples(25)
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        ask()
