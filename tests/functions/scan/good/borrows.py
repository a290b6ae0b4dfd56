"""Imports a scheduled function of another file: it is found there, and only there."""

from orders import sync

again = sync
