"""Options as a file: our own export, and values that were written down elsewhere, OpCon's mostly."""
