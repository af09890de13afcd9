"""How any of the hub's processes answers and goes on: the same for gateway, worker and metrics.

http (socket, server) -> connections (how many, how long, how much) -> protocol (one connection, one
request at a time); problems (errors in one shape), telemetry (how a metric is declared), logs and
absence (what is logged, and while Kafka is away); store (what follows topics into a disposable
file), directory (the agencies and procedures that are known).
"""
