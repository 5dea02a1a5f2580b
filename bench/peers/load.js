import autocannon from "autocannon";
import { now } from "../support/clock.ts";
import { send } from "../support/messages.ts";
import { percentile } from "../support/statistics.ts";

// Sends requests as fast as the connections allow, or `perSecond`. Each signup has a new address and comes from a new client.

const { url, connections, amount, seconds, perSecond, signUp } = JSON.parse(process.env.LOAD);
const run = `${Date.now().toString(36)}${process.pid}`;
const latencies = [];
let sent = 0;
let last = 0;

const begin = now();
const instance = autocannon({
  url,
  connections,
  timeout: 60,
  ...(amount ? { amount } : { duration: seconds }),
  ...(perSecond ? { overallRate: perSecond } : {}),
  ...(signUp ? { requests: [{ method: "POST", setupRequest }] } : {}),
});
instance.on("response", (client, status, bytes, milliseconds) => {
  latencies.push(milliseconds);
  last = now();
});
const { errors, timeouts, non2xx } = await instance;

send("result", {
  rate: (latencies.length / (last - begin)) * 1000,
  p50: percentile(latencies, 50),
  p99: percentile(latencies, 99),
  failed: errors + timeouts + non2xx,
});

function setupRequest(request) {
  sent += 1;
  const client = `10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}`;
  const name = `${run}.${sent}`;
  return {
    ...request,
    headers: { "content-type": "application/json", "x-forwarded-for": client },
    body: JSON.stringify({ name, email: `${name}@people.example`, password: "correct horse battery staple" }),
  };
}
