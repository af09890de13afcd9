"""Files made from Kafka that may be thrown away, and what keeps them up to date."""
