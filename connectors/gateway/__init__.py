"""The gateway: facts over HTTP. `POST /v1/events` takes CloudEvents 1.0 and answers 202 once Kafka
has them on all in-sync replicas.

body (bounded reading) -> modes (structured, batch, binary) -> jsonitems, cloudevents (what each
item says) -> publisher -> answer
"""

from connectors.gateway.app import gateway_app
from connectors.gateway.server import run_gateway

__all__ = ["gateway_app", "run_gateway"]
