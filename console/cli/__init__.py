"""The command line `notify`."""
