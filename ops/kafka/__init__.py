"""The embedded Kafka: one real broker, a child process; and what commands change in any Kafka."""
