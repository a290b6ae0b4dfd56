"""All access to the database: one module a table, one function a question or a change of state."""
