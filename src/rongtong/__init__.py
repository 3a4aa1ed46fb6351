"""Rongtong (融通): runs a region's innovation system from the clause to the consequence."""

__version__ = "0.1.0"
