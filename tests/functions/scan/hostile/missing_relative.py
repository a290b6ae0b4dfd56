from .no_such_file import x
