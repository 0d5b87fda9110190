"""The statements on analyses that clients and steps make the service repeat most, built once: to build one takes longer than to run it."""

import sqlalchemy as sa

from crew.store.tables import analyses, artifacts, events

# Not IN, whose parameters are spelled out anew whenever it is run.
LIVE = sa.or_(analyses.c.status == "queued", analyses.c.status == "running")
BY_ID = sa.select(analyses).where(analyses.c.id == sa.bindparam("id"))
OF_TENANT = BY_ID.where(analyses.c.tenant == sa.bindparam("tenant"))
STATUS = sa.select(analyses.c.status).where(analyses.c.id == sa.bindparam("id"), analyses.c.tenant == sa.bindparam("tenant"))
NEW = sa.insert(analyses).returning(*analyses.c)
NEW_EVENT = sa.insert(events)
_COUNTED = sa.update(analyses).where(analyses.c.id == sa.bindparam("of"))
NEXT = _COUNTED.values(last_seq=analyses.c.last_seq + 1).returning(analyses.c.last_seq)
NEXT_LIVE = NEXT.where(LIVE)
TAKEN_BACK = _COUNTED.values(last_seq=analyses.c.last_seq - 1)
AT_STEP = _COUNTED.values(current_step=sa.bindparam("step"))
TASK_DONE = _COUNTED.values(completed_tasks=analyses.c.completed_tasks + 1)
OVERDUE = (
    sa.select(analyses.c.id)
    .where(analyses.c.status == "queued", analyses.c.deadline_at <= sa.bindparam("now"))
    .order_by(analyses.c.deadline_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
NEW_ARTIFACT = sa.insert(artifacts)
LOGGED = sa.select(events.c.seq).where(events.c.analysis_id == sa.bindparam("of"), events.c.once == sa.bindparam("once"))
WANTED = sa.select(analyses.c.id).where(analyses.c.id == sa.bindparam("of"), LIVE, analyses.c.cancel_requested_at.is_(None))
ARTIFACT = sa.select(artifacts.c.content).where(artifacts.c.analysis_id == sa.bindparam("of"), artifacts.c.name == sa.bindparam("name"))
