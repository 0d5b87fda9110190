"""The evaluation of verification: faults injected into correct drafts, and clean sentences that must pass."""
