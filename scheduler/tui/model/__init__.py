"""The pure half of the console: snapshots in, coloured lines for a width out; no widgets."""
