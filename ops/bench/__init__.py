"""`lgsp bench`: how fast the hub is on this machine, each figure beside what is needed, on a Kafka
of its own.

Each measurement is a module with a function `measure(stage, scale)`; nothing here is a test, and
nothing fails for being slow.
"""
