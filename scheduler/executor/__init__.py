"""The zygote, the executor processes it forks, and the worker's side of both."""
