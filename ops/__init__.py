"""How it is run: the command line, the embedded Kafka, and every command but the services' own."""
