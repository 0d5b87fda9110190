"""Attached documents turned into text. Light: the parsers run in a process of their own."""
