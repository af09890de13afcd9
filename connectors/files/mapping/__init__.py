"""The mapping language: what MAP.yaml may say, checked and compiled to functions of a row."""
