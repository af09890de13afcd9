"""What people see: cube (read model), indicators (catalogue), exporter (Prometheus), reporting
API.
"""
