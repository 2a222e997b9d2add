// One case: two browsers, one comparison, then turns.
import { readdirSync } from "node:fs";
import { launch } from "../e2e/browser.mjs";
import { memoryOf, watchMemory } from "./memory.mjs";
import { FOLDERS } from "./server.mjs";

export const PEERS = ["safelight", "onnxruntime"];

/** Below it the peers do not compute the same thing, and a time would mean nothing. Rounding leaves about 1 − 1e-7. */
const SAME = 0.99999;
/** Two of the pictures must come out farther apart than the peers may, or the comparison proves nothing. */
const APART = 0.99;

/** Rounds that a case has at least, and after how long no further one begins: a software GPU takes minutes for each. */
const LEAST_ROUNDS = 2;
const PATIENCE_MS = 5 * 60_000;

/** Milliseconds, memory and the ratio of `{ name, device, threads, browser, pictures, rounds }`; throws where the peers disagree. */
export async function measure({ name, device, threads = 1, browser, pictures, rounds, leastRounds = LEAST_ROUNDS }, server, say) {
  const files = readdirSync(FOLDERS["/pictures/"]).filter((file) => file.endsWith(".png")).sort();
  const addresses = files.slice(0, pictures).map((file) => `/pictures/${file}`);
  const sessions = [];
  try {
    for (const peer of PEERS) {
      const session = await open(peer, { device, threads }, browser, addresses, server);
      sessions.push(session);
      say(`${name}  ${peer}: open after ${seconds(session.openMs)}, first run ${seconds(session.first.ms)}`);
    }
    const cosine = compare(sessions, name);
    const times = sessions.map(() => []);
    const start = performance.now();
    for (let round = 1; round <= rounds; round += 1) {
      if (round > leastRounds && performance.now() - start > PATIENCE_MS) break;
      for (const [index, { page }] of sessions.entries()) times[index].push((await page.evaluate(() => call("run"))).ms);
      say(`${name}  round ${round} of ${rounds}: ${times.map((runs, index) => `${PEERS[index]} ${seconds(runs.at(-1))}`).join(", ")}`);
    }
    const peers = sessions.map(({ where, openMs, first, memory }, index) => ({ where, openMs, firstMs: first.ms, ms: summary(times[index]), memory }));
    return {
      name, device, threads, browser: `${browser} ${/[\d.]+/.exec(sessions[0].version)?.[0] ?? ""}`, pictures, cosine,
      ...Object.fromEntries(PEERS.map((peer, index) => [peer, peers[index]])),
      ratio: peers[0].ms.median / peers[1].ms.median,
    };
  } finally {
    for (const session of sessions) await session.browser.close();
  }
}

/** A browser with a peer that has its model, has run once and so has its kernels compiled. */
async function open(peer, { device, threads }, name, pictures, server) {
  const browser = await launch(name);
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    const { pid } = browser.process();
    const empty = memoryOf(pid);
    const watch = watchMemory(pid);
    const start = performance.now();
    const where = await page.evaluate((input) => call("open", input), { peer, device, threads });
    const openMs = performance.now() - start;
    const input = await page.evaluate((input) => call("prepare", input), { pictures });
    const first = await page.evaluate(() => call("run"));
    const peak = watch.stop();
    const memory = peak === null || empty === null ? null : { peak, empty };
    return { browser, page, where, openMs, input, first, memory, version: await browser.version() };
  } catch (error) {
    await browser.close();
    throw new Error(`${peer} on ${device} in ${name} failed: ${error.message}`);
  }
}

/** The smallest cosine between the peers' embeddings of one picture. */
function compare([ours, theirs], name) {
  if (ours.input !== theirs.input) throw new Error(`The two browsers of ${name} made different numbers of the same pictures, so nothing was timed.`);
  const rows = ours.first.embeddings.length / 512;
  const row = ({ first }, index) => first.embeddings.slice(index * 512, (index + 1) * 512);
  if (ours.first.embeddings.length !== theirs.first.embeddings.length || !Number.isInteger(rows))
    throw new Error(`The peers of ${name} gave ${ours.first.embeddings.length} and ${theirs.first.embeddings.length} numbers, so nothing was timed.`);
  const cosines = Array.from({ length: rows }, (_, index) => cosine(row(ours, index), row(theirs, index)));
  const lowest = Math.min(...cosines);
  if (!(lowest >= SAME)) throw new Error(`The peers of ${name} disagree (cosine ${lowest}, at least ${SAME} is needed), so nothing was timed.`);
  if (rows > 1 && !(cosine(row(ours, 0), row(ours, 1)) < APART)) throw new Error(`The pictures of ${name} all look the same to the model, so nothing was timed.`);
  return lowest;
}

function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, index) => sum + value * y[index], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function summary(runs) {
  const sorted = [...runs].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs };
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
