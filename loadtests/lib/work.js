// What the scenarios share: distinct requests, waiting for work to end, and metrics of our own.
import { check, sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';
import { state } from './client.js';

export const metrics = {
  completion: new Trend('job_completion_time', true),
  batchCompletion: new Trend('batch_completion_time', true),
  jobFailed: new Rate('job_failed'),
  firstEvent: new Trend('sse_first_event', true),
  deliberate: new Rate('deliberate_errors_answered'),
  scriptErrors: new Counter('script_errors'),
};

export const JOB_DEADLINE_S = Number(__ENV.JOB_DEADLINE_S || 60);

const SYMBOLS = (__ENV.SYMBOLS || 'AAPL,MSFT,NVDA,TSLA,AMZN,GOOGL,META,JPM,SPY,GLD').split(',');
const DAY_MS = 86400000;
const LAST_DAY = Date.parse(__ENV.LAST_DAY || '2026-03-12');
// The sample data begins on 2020-08-10.
const DAYS = 1900;
const LONGEST_WAIT_S = 10;
export const BLOCK = 500;
const BLOCKS = Math.floor((SYMBOLS.length * DAYS) / BLOCK);
const FRESH_FOR_S = 3600;

// Where a run's requests begin: runs that start a few minutes apart have blocks of their own for as long as the service may answer
// an equal request with a finished analysis.
export function firstBlock() {
  const startedAt = Number(__ENV.STARTED_AT) || Date.now() / 1000;
  return Math.floor(startedAt / Math.ceil(FRESH_FOR_S / BLOCKS)) % BLOCKS;
}

// Distinct requests by number: symbol x as-of day, so that neither dedupe nor reuse hides the work.
export function distinct(position) {
  const day = LAST_DAY - (Math.floor(position / SYMBOLS.length) % DAYS) * DAY_MS;
  return { symbol: SYMBOLS[position % SYMBOLS.length], as_of: new Date(day).toISOString().slice(0, 10) };
}

// A body as JSON, or an empty object: a server that sends rubbish fails the checks and not the script.
export function parsed(response) {
  try {
    const body = response.json();
    return body !== null && typeof body === 'object' ? body : {};
  } catch {
    return {};
  }
}

export function header(response, name) {
  return String(response.headers[name] || '');
}

// k6 ends with exit code 0 when iterations throw. Counted, an error of the script makes the run invalid.
export function guarded(action) {
  return (data) => {
    try {
      action(data);
    } catch (error) {
      metrics.scriptErrors.add(1);
      throw error;
    }
  };
}

export function deadline() {
  return Date.now() + JOB_DEADLINE_S * 1000;
}

// Poll as the service asks (Retry-After) until the analysis ends; null when the deadline passes first.
export function awaitEnd(id, until) {
  for (;;) {
    const response = state(id);
    const analysis = parsed(response);
    check(response, { 'state is the analysis asked for': (r) => r.status === 200 && analysis.id === id });
    if (['succeeded', 'failed', 'canceled'].includes(analysis.status)) {
      return analysis;
    }
    const wait = Math.min(Number(header(response, 'Retry-After')) || 1, LONGEST_WAIT_S);
    if (Date.now() + wait * 1000 >= until) {
      return null;
    }
    sleep(wait);
  }
}

// Await an analysis, record whether it succeeded, and say so where it did not.
export function succeeds(id, until) {
  const analysis = awaitEnd(id, until);
  const succeeded = analysis !== null && analysis.status === 'succeeded';
  metrics.jobFailed.add(!succeeded);
  if (!succeeded) {
    console.error(analysis === null ? `${id} did not finish within ${JOB_DEADLINE_S} s` : `${id} ended as ${analysis.status}`);
  }
  return succeeded;
}
