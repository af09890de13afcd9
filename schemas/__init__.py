"""What is said: events and their Avro contracts, topics and the Kafka connection, states, cells and
settings.
"""
