"""Processes (流程): from a definition and a case's events to its state, what may happen next, and what speaks against it."""
