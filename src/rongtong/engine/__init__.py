"""Pure computation: plain values in, values out. No Django, no store, no clock, no network, no jurisdiction."""
