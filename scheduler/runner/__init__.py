"""What runs one function or inspects one file inside a forked process; stdlib and decorators only."""
