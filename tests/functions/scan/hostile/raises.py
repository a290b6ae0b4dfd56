def deep():
    raise ValueError("first line\nsecond line \0 \udc80")


deep()
