"""How it is run: command line, embedded Kafka, recount, simulation, benchmarks, dashboards,
images.
"""
