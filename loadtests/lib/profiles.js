// Workload by profile: how much of what, and for how long. Scenario logic lives in scenarios.js.
// Rates are an open model: work arrives whether or not the service keeps up, and what cannot be started is counted as dropped.

const JOB_DEADLINE_S = Number(__ENV.JOB_DEADLINE_S || 60);

// `reads` per second; `analyses`, `streams`, `batches` and `errors` per minute.
const USUAL = { reads: 24, analyses: 33, streams: 24, batches: 2, errors: 30 };
const PROFILES = {
  smoke: { duration: '30s', ...USUAL },
  load: { duration: '2m', ...USUAL },
  regression: { duration: '8m', ...USUAL },
  stress: { stages: [[1, '1m'], [2, '2m'], [4, '3m'], [4, '2m'], [1, '1m']], ...USUAL },
  spike: { stages: [[1, '30s'], [8, '10s'], [8, '1m'], [1, '10s'], [1, '1m']], ...USUAL },
  soak: { duration: '2h', ...USUAL },
  breakpoint: { stages: [[1, '1m'], [20, '20m']], ...USUAL, abort: true },
};

function arrivals(profile, exec, rate, timeUnit, vus, gracefulStop) {
  const common = { exec, timeUnit, preAllocatedVUs: vus, maxVUs: vus * 8, gracefulStop };
  if (!profile.stages) {
    return { executor: 'constant-arrival-rate', rate, duration: __ENV.DURATION || profile.duration, ...common };
  }
  const stages = profile.stages.map(([factor, duration]) => ({ target: Math.round(rate * factor), duration }));
  return { executor: 'ramping-arrival-rate', startRate: rate, stages, ...common };
}

// Users enough for half a minute of waiting each are there from the start: one that has to be made first counts as dropped work.
function scenarios(profile, features) {
  const jobGrace = `${JOB_DEADLINE_S + 30}s`;
  const all = {
    analyses: arrivals(profile, 'analyse', profile.analyses, '1m', Math.ceil(profile.analyses / 2), jobGrace),
    reads: arrivals(profile, 'read', profile.reads, '1s', profile.reads * 2, '30s'),
    streams: arrivals(profile, 'stream', profile.streams, '1m', Math.ceil(profile.streams / 2), jobGrace),
    errors: arrivals(profile, 'provoke', profile.errors, '1m', 4, '30s'),
  };
  if (features.includes('batches')) {
    all.batches = arrivals(profile, 'batch', profile.batches, '1m', profile.batches * 2, jobGrace);
  }
  return all;
}

// Options for k6: scenarios of the profile named, and the thresholds every profile is held to.
export function buildOptions(name, features, thresholds) {
  const profile = PROFILES[name];
  if (!profile) {
    throw new Error(`unknown PROFILE '${name}': use one of ${Object.keys(PROFILES).join(', ')}`);
  }
  const held = {};
  for (const [metric, expressions] of Object.entries(thresholds)) {
    held[metric] = expressions.map((threshold) => ({ threshold, abortOnFail: Boolean(profile.abort), delayAbortEval: '30s' }));
  }
  return {
    scenarios: scenarios(profile, features),
    thresholds: held,
    summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)', 'count'],
    systemTags: ['status', 'method', 'name', 'group', 'check', 'error', 'error_code', 'scenario', 'expected_response'],
    userAgent: 'stockcrew-loadtest',
    setupTimeout: `${JOB_DEADLINE_S + 120}s`,
    discardResponseBodies: false,
  };
}
