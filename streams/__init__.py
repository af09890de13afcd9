"""What facts mean: families (state, merge, counts), ledger (a partition's books), batches (Faust
transport), worker.
"""
