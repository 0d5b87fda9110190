"""agents.yaml and tasks.yaml: read, validated, described. Imports no crewai."""
