"""Into Kafka: the publisher its routes and lanes, and the quarantine's write side."""
