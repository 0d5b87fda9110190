"""Tables, migrations and their access."""
