"""The values every layer shares. Pydantic only: no pandas, no crewai, no I/O."""
