// What one user does. How many users and how often is the profile's business.
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { batchState, create, createBatch, events, eventStream, list, report, state } from './client.js';
import { awaitEnd, BLOCK, deadline, distinct, firstBlock, guarded, header, metrics, parsed, succeeds } from './work.js';

const FORMATS = ['application/json', 'text/markdown', 'text/html'];
const BATCH_SIZE = 3;
const RESUMES = 3;
const RECONNECT_S = 1;
const NOBODY = 'an_00000000000000000000000000';
// Each scenario takes its requests from a range of its own within a block: [start, size].
const RANGES = { prepare: [0, 10], analyses: [10, 280], streams: [290, 80], batches: [370, 130] };

// The n-th request of a scenario. Ranges repeat by the block, so that a long run stays distinct too.
function nth(first, scenario, n) {
  const [start, size] = RANGES[scenario];
  return distinct((first + Math.floor(n / size)) * BLOCK + start + (n % size));
}

function startAnalysis(wanted) {
  const response = create(wanted);
  const created = parsed(response);
  const accepted = check(response, {
    'analysis is accepted': (r) => r.status === 202 && String(created.id).startsWith('an_') && header(r, 'Location').includes(`/v1/analyses/${created.id}`),
  });
  if (!accepted) {
    metrics.jobFailed.add(true);
  }
  return accepted ? created.id : null;
}

function hasContent(response, accept) {
  if (accept !== FORMATS[0]) {
    return String(response.body).length > 500;
  }
  const body = parsed(response);
  return Array.isArray(body.evidence) && body.evidence.length > 5 && Boolean(body.recommendation && body.recommendation.rating);
}

function readReport(id, accept) {
  const response = report(id, accept);
  check(response, {
    'report has the form asked for': (r) => r.status === 200 && header(r, 'Content-Type').startsWith(accept),
    'report has its content': (r) => hasContent(r, accept),
    'report has an ETag': (r) => header(r, 'Etag') !== '',
  });
  return header(response, 'Etag');
}

function readAgain(id, accept, etag) {
  check(report(id, accept, etag), { 'unchanged report is not sent again': (r) => r.status === 304 && !r.body });
}

function readState(id) {
  check(state(id), { 'state is the analysis asked for': (r) => r.status === 200 && parsed(r).id === id });
}

function readEvents(id) {
  check(events(id, 0), { 'events are a page': (r) => r.status === 200 && Array.isArray(parsed(r).data) && parsed(r).data.length > 0 });
}

function readList() {
  check(list(20), { 'list is a page': (r) => r.status === 200 && Array.isArray(parsed(r).data) });
}

// A few finished analyses for the readers, and the block of requests that this run takes. A service that cannot make them is judged by the thresholds,
// not by an abort here, so all of them together have one deadline.
export function prepare() {
  const first = firstBlock();
  const until = deadline();
  const started = [0, 1, 2, 3].map((n) => parsed(create(nth(first, 'prepare', n))).id).filter(Boolean);
  const ids = started.filter((id) => (awaitEnd(id, until) || {}).status === 'succeeded');
  return { first, ids: ids.length ? ids : [NOBODY] };
}

export const analyse = guarded((data) => {
  const began = Date.now();
  const id = startAnalysis(nth(data.first, 'analyses', exec.scenario.iterationInTest));
  if (id === null || !succeeds(id, deadline())) {
    return;
  }
  metrics.completion.add(Date.now() - began);
  readEvents(id);
  for (const accept of FORMATS) {
    const etag = readReport(id, accept);
    readAgain(id, accept, etag);
  }
});

export const batch = guarded((data) => {
  const began = Date.now();
  const begins = exec.scenario.iterationInTest * BATCH_SIZE;
  const response = createBatch([0, 1, 2].map((n) => nth(data.first, 'batches', begins + n)));
  const created = parsed(response);
  const ids = (Array.isArray(created.items) ? created.items : []).map((item) => item.analysis_id).filter(Boolean);
  const accepted = check(response, { 'batch is accepted': (r) => r.status === 202 && String(created.id).startsWith('ba_') && ids.length === BATCH_SIZE });
  if (!accepted) {
    metrics.jobFailed.add(true);
    return;
  }
  const until = deadline();
  const succeeded = ids.map((id) => succeeds(id, until));
  if (succeeded.every(Boolean)) {
    metrics.batchCompletion.add(Date.now() - began);
  }
  check(batchState(created.id), { 'batch is the one asked for': (r) => r.status === 200 && parsed(r).id === created.id });
});

// Ten readers: four look at a state, four at a report (two of them with its ETag), one at the list, one at the events.
export const read = guarded((data) => {
  const turn = exec.scenario.iterationInTest;
  const id = data.ids[turn % data.ids.length];
  const kind = turn % 10;
  if (kind < 4) {
    readState(id);
  } else if (kind < 8) {
    const accept = FORMATS[turn % 3];
    const etag = readReport(id, accept);
    if (kind < 6) {
      readAgain(id, accept, etag);
    }
  } else if (kind === 8) {
    readList();
  } else {
    readEvents(id);
  }
});

// Whether the stream has told all: with its last event, or with 204 to who already has that one.
function isOver(response) {
  return response.status === 204 || /event: ?done/.test(String(response.body));
}

// Goes on after the last event seen, as a browser's EventSource does, when a stream ends early because its server is restarted.
function resumed(id, begun) {
  let response = begun;
  let last;
  for (let turn = 0; turn < RESUMES && response.status === 200 && !isOver(response); turn += 1) {
    const ids = String(response.body).match(/^id: ?.+$/gm) || [];
    last = ids.length ? ids[ids.length - 1].replace(/^id: ?/, '') : last;
    sleep(RECONNECT_S);
    response = eventStream(id, last);
  }
  return response;
}

// k6 sees a response only as a whole. The stream of a finished analysis ends right after its snapshot, so its whole duration is an
// upper bound of the time to the first event which a server that sends headers at once and events late cannot escape. Every third
// stream follows an analysis from its start instead and is judged by what it says.
export const stream = guarded((data) => {
  const turn = exec.scenario.iterationInTest;
  const live = turn % 3 === 2;
  const id = live ? startAnalysis(nth(data.first, 'streams', Math.floor(turn / 3))) : data.ids[turn % data.ids.length];
  if (id === null) {
    return;
  }
  const response = eventStream(id);
  if (!live) {
    metrics.firstEvent.add(response.timings.duration);
  }
  check(response, {
    'stream begins with a snapshot': (r) => r.status === 200 && /^((retry|id|data):.*\n+|:.*\n+)*event: ?snapshot/.test(String(r.body)),
  });
  check(live ? resumed(id, response) : response, { 'stream ends with done': isOver });
  if (live) {
    succeeds(id, deadline());
  }
});

// Errors on purpose: the service must answer them as errors, and they count neither as failures nor as latency of real use.
export const provoke = guarded((data) => {
  const kinds = [
    [422, (options) => create({ symbol: 'NOT A TICKER' }, options)],
    [404, (options) => state('an_zzzzzzzzzzzzzzzzzzzzzzzzzz', options)],
    [406, (options) => report(data.ids[0], 'image/png', undefined, options)],
  ];
  const [status, send] = kinds[exec.scenario.iterationInTest % kinds.length];
  const response = send({ kind: 'deliberate', expected: [status] });
  metrics.deliberate.add(response.status === status && header(response, 'Content-Type').startsWith('application/problem+json'));
});
