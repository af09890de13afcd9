"""What facts mean: the families, the ledger that keeps a partition, and the worker around it."""
