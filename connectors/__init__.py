"""How facts get in and out: publisher, HTTP gateway, file import, quarantine."""
