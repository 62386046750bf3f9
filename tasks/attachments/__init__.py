"""Files that go along with a mail: where they come from, and what is said of those that do not."""
