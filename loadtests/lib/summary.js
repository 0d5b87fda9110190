// k6's own view of the run: threshold verdicts and totals, for the Python side to check its figures against.
const FILE = __ENV.K6_SUMMARY_FILE || 'results/k6-summary.json';

export function writeSummary(data) {
  const thresholds = [];
  for (const [metric, content] of Object.entries(data.metrics)) {
    for (const [expression, verdict] of Object.entries(content.thresholds || {})) {
      thresholds.push({ metric, expression, ok: verdict.ok });
    }
  }
  const values = {};
  for (const [metric, content] of Object.entries(data.metrics)) {
    values[metric] = content.values;
  }
  const crossed = thresholds.filter((one) => !one.ok);
  const lines = crossed.map((one) => `  crossed: ${one.metric}: ${one.expression}`);
  const text = crossed.length ? `\n${crossed.length} of ${thresholds.length} thresholds crossed\n${lines.join('\n')}\n` : `\nall ${thresholds.length} thresholds hold\n`;
  return { stdout: text, [FILE]: JSON.stringify({ duration_ms: data.state.testRunDurationMs, thresholds, values }, null, 1) };
}
