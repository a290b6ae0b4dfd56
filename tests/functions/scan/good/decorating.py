"""A decorator in a file of its own: the functions it wraps belong to the files that use it."""

import functools


def logged(function):
    @functools.wraps(function)
    def wrapper():
        return function()

    return wrapper
