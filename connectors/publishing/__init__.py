"""Into Kafka: the publisher, its routes and lanes, and what the quarantine keeps."""
