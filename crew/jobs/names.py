"""Names that clients and workers share. A wrong one would leave a job waiting for ever without a word."""

APPLICATION = "stockcrew"
QUEUE = "analyses"
WORKFLOW = "analyse"
# Bumped only when the order of steps changes: a worker runs jobs of its own version alone.
APPLICATION_VERSION = "1"
# The engine puts jobs without a priority before all others; every job gets one, lower first.
PRIORITY = 100
