"""Huey's storages with bulk sends, one module per back end."""
