"""What must be kept whole for a while: encrypted in Kafka, under keys that are erased by day."""
