// thresholds.json spelled out for k6: the promises over all requests, for each route, and on expected responses alone, since a refused
// connection counts as a duration of 0. loadtests/thresholds.py spells it out the same way, and a test holds the two together.
export function buildThresholds(promises, features) {
  const held = {};
  function hold(filter) {
    held[`http_req_duration{${filter}}`] = promises.latency;
    held[`http_req_duration{${filter},expected_response:true}`] = promises.latency;
    held[`http_req_failed{${filter}}`] = promises.failures;
  }
  hold('kind:api');
  held.checks = promises.checks;
  for (const name of ['core', ...features]) {
    const feature = promises.features[name];
    if (!feature) {
      throw new Error(`unknown feature '${name}': use one of ${Object.keys(promises.features).join(', ')}`);
    }
    feature.routes.forEach((route) => hold(`name:${route},kind:api`));
    feature.checks.forEach((check) => {
      held[`checks{check:${check}}`] = promises.checks;
    });
    Object.assign(held, feature.metrics);
  }
  return held;
}
