"""The declared indicators (`indicators.yaml`), checked where they are read, and their page."""
