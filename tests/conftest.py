"""What holds for every test."""

from hypothesis import settings

# A busy machine may stand still in any example; what hangs is ended by the test's own time limit.
settings.register_profile("suite", settings(deadline=None))
settings.load_profile("suite")
