// One address asked for as fast as the server answers; URL, HEADERS (JSON), VUS and SECONDS, or ITERATIONS, come from the environment.
import http from "k6/http";

const extent = __ENV.ITERATIONS ? { iterations: Number(__ENV.ITERATIONS), duration: "30m" } : { duration: `${__ENV.SECONDS}s` };
export const options = { vus: Number(__ENV.VUS), ...extent, discardResponseBodies: true };
const headers = JSON.parse(__ENV.HEADERS);

export default function () {
  http.get(__ENV.URL, { headers });
}
