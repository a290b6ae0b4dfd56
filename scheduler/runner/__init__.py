"""What runs a function or inspects a file inside a forked process; it loads little."""
