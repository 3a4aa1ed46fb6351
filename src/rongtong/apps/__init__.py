"""What happened: Django apps, each with models, actions (all writes), queries (all reads), commands and an API."""
