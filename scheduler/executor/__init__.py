"""The zygote, the executor processes it forks, and the worker's side of both.

Import from its modules: a zygote must not load the worker's side, each fork pays for what is there.
"""
