"""What people see: figures, lists and traces, over HTTP and for Prometheus."""
