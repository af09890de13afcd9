"""How facts get in: the HTTP gateway, the import of files, and what writes them into Kafka."""
