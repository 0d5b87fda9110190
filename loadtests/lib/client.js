// One function per route. Each request carries its route as `name`, so that ids do not make a metric of their own each.
import http from 'k6/http';

const BASE = (__ENV.BASE_URL || 'http://127.0.0.1:8000').replace(/\/+$/, '');
const TIMEOUT = '20s';
const STREAM_TIMEOUT = '90s';

function parameters(name, { kind = 'api', headers = {}, expected, timeout = TIMEOUT } = {}) {
  const all = { 'X-Load-Test': 'k6', ...headers };
  if (__ENV.API_KEY) {
    all.Authorization = `Bearer ${__ENV.API_KEY}`;
  }
  const result = { headers: all, tags: { name, kind }, timeout, redirects: 0 };
  if (expected) {
    result.responseCallback = http.expectedStatuses(...expected);
  }
  return result;
}

function post(route, body, options) {
  return http.post(`${BASE}${route}`, JSON.stringify(body), parameters(`POST ${route}`, { headers: { 'Content-Type': 'application/json' }, ...options }));
}

export function create(wanted, options) {
  return post('/v1/analyses', wanted, options);
}

export function createBatch(items) {
  return post('/v1/batches', { items });
}

export function batchState(id) {
  return http.get(`${BASE}/v1/batches/${id}`, parameters('GET /v1/batches/:id'));
}

export function state(id, options) {
  return http.get(`${BASE}/v1/analyses/${id}`, parameters('GET /v1/analyses/:id', options));
}

export function list(limit) {
  return http.get(`${BASE}/v1/analyses?limit=${limit}`, parameters('GET /v1/analyses'));
}

export function events(id, after) {
  return http.get(`${BASE}/v1/analyses/${id}/events?after=${after}`, parameters('GET /v1/analyses/:id/events', { headers: { Accept: 'application/json' } }));
}

export function report(id, accept, etag, options = {}) {
  const headers = { Accept: accept };
  if (etag) {
    headers['If-None-Match'] = etag;
  }
  return http.get(`${BASE}/v1/analyses/${id}/report`, parameters('GET /v1/analyses/:id/report', { headers, ...options }));
}

export function eventStream(id, lastEventId) {
  const headers = { Accept: 'text/event-stream' };
  if (lastEventId) {
    headers['Last-Event-ID'] = lastEventId;
  }
  const options = { kind: 'stream', headers, timeout: STREAM_TIMEOUT };
  return http.get(`${BASE}/v1/analyses/${id}/events`, parameters('GET /v1/analyses/:id/events (stream)', options));
}
