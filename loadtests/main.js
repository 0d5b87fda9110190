// The load test: PROFILE=smoke|load|regression|stress|spike|soak|breakpoint, BASE_URL, API_KEY. Run it through `make loadtest`.
import { buildOptions } from './lib/profiles.js';
import { prepare } from './lib/scenarios.js';
import { writeSummary } from './lib/summary.js';
import { buildThresholds } from './lib/thresholds.js';

export { analyse, batch, provoke, read, stream } from './lib/scenarios.js';

// What the service may or may not offer; the runner reads it from the service's own description. Everything unless told.
const FEATURES = (__ENV.FEATURES === undefined ? 'batches' : __ENV.FEATURES).split(',').filter(Boolean);

export const options = buildOptions(__ENV.PROFILE || 'smoke', FEATURES, buildThresholds(JSON.parse(open('./thresholds.json')), FEATURES));

export function setup() {
  return prepare();
}

export function handleSummary(data) {
  return writeSummary(data);
}
