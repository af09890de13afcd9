"""The figures as Prometheus scrapes them."""
