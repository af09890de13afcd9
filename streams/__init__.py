"""What facts mean: families (state, merge, counts), ledger (a partition of
all families), batches (Faust transport), worker.
"""
