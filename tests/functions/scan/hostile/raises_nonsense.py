class Nonsense(Exception):
    def __str__(self):
        raise RuntimeError


raise Nonsense
