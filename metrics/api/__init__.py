"""The figures, lists and traces over HTTP: the only room of metrics that knows it."""
