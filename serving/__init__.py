"""How any of the hub's processes answers over HTTP: one server, one set of limits, each of them
counted and told.

http (socket, server) -> connections (how many, how long, how much) -> protocol (one connection, one
request at a time)
"""

from serving.connections import CONNECTION_METRICS, Connections
from serving.http import Server, run_server, spare_collections
from serving.problems import SERVER_PROBLEMS, ProblemKind

__all__ = [
    "CONNECTION_METRICS",
    "SERVER_PROBLEMS",
    "Connections",
    "ProblemKind",
    "Server",
    "run_server",
    "spare_collections",
]
