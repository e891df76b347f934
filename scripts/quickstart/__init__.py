"""See depth in one command: quickstart.sh."""
