"""The one small language (表达式) for formulas, conditions, guards, lamps and consequences. See `language`, `evaluate`."""
