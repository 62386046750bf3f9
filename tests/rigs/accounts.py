"""What tests sign in with."""

from __future__ import annotations

#: Long enough, and nobody's name.
PASSWORD = "correct horse battery"
