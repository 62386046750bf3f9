"""Figures that the pages give, each with one command."""
