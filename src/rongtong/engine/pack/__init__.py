"""Packs (规则包): what a jurisdiction's documents say, as data. `model` is the schema, `read` parses, `check` proves."""
