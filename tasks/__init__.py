"""One notification: what it is, where it goes, how it gets there. It knows no process and no screen."""
