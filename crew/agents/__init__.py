"""The crew: the only package that imports crewai."""
