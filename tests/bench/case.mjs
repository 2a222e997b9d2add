// One case: two browsers, one comparison, then turns.
import { readdirSync } from "node:fs";
import { launch } from "../e2e/browser.mjs";
import { within } from "../e2e/extension/until.mjs";
import { compare } from "./compare.mjs";
import { figures } from "./figures.mjs";
import { memoryOf, watchMemory } from "./memory.mjs";
import { MODELS } from "./models.mjs";
import { FOLDERS } from "./server.mjs";

export const PEERS = ["safelight", "onnxruntime"];

/** Rounds that a case has at least, and after how long no further one begins: a software GPU takes minutes for each. */
const LEAST_ROUNDS = 2;
const PATIENCE_MS = 5 * 60_000;
/** Visits of somebody who comes back, likewise. */
const VISITS = 3;
/** How long onnxruntime-web may take to the first result of a model that may be too large for it. */
const FIRST_RESULT_MS = 8 * 60_000;
/** Most characters that are repeated of a browser's reason; it may be a page long. */
const REASON = 200;

/**
 * Milliseconds, memory and the ratio of `{ name, model, device, threads, gpu, browser, pictures, rounds }`; throws where the peers
 * disagree. Where a peer cannot run a model that is `tooLarge`, its part is `{ failed }`, a sentence, and the ratio is null.
 */
export async function measure(each, server, say) {
  const { name, model, device, threads = 1, gpu = false, browser, pictures, rounds, leastRounds = LEAST_ROUNDS } = each;
  const files = readdirSync(FOLDERS["/pictures/"]).filter((file) => file.endsWith(".png")).sort();
  const addresses = files.slice(0, pictures).map((file) => `/pictures/${file}`);
  const peers = [];
  try {
    for (const peer of PEERS) {
      const opened = await openOrSay(peer, { model: MODELS[model], device, threads, gpu }, browser, addresses, server);
      peers.push(opened);
      say(`${name}  ${peer}: ${opened.failed ?? `open after ${seconds(opened.openMs)}, first run ${seconds(opened.firstMs)}`}`);
    }
    const sessions = peers.filter(({ failed }) => failed === undefined);
    if (new Set(sessions.map(({ input }) => input)).size > 1)
      throw new Error(`The two browsers of ${name} made different numbers of the same pictures, so nothing was timed.`);
    const cosine = compare(sessions.map(({ embeddings }) => embeddings), { name, pictures, dimension: MODELS[model].dimension });
    const start = performance.now();
    for (let round = 1; round <= rounds; round += 1) {
      if (round > leastRounds && performance.now() - start > PATIENCE_MS) break;
      for (const { page, times } of sessions) times.push((await page.evaluate(() => call("run"))).ms);
      say(`${name}  round ${round} of ${rounds}: ${sessions.map(({ peer, times }) => `${peer} ${seconds(times.at(-1))}`).join(", ")}`);
    }
    if (!MODELS[model].tooLarge) await comeBack(name, sessions, Math.min(VISITS, rounds), addresses, server, say);
    const [ours, theirs] = peers.map(figures);
    const version = /[\d.]+/.exec(sessions[0].version)?.[0] ?? "";
    return {
      name, model, device, threads, browser: `${browser} ${version}`, pictures, cosine,
      safelight: ours, onnxruntime: theirs, ratio: theirs.failed === undefined ? ours.ms.median / theirs.ms.median : null,
    };
  } finally {
    for (const { browser } of peers) await browser?.close();
  }
}

/** Measures, in turns, how long a later visit waits for its first result: code and weights are in the browser. */
async function comeBack(name, sessions, visits, pictures, server, say) {
  for (const { page } of sessions) await page.evaluate(() => call("keep"));
  const start = performance.now();
  for (let visit = 1; visit <= visits; visit += 1) {
    if (visit > 1 && performance.now() - start > PATIENCE_MS) break;
    for (const { page, request, again } of sessions) {
      await page.goto(server.url); // the visit before leaves nothing in memory
      again.push((await firstResult(page, request, pictures)).startMs);
    }
    say(`${name}  visit ${visit} of ${visits}: ${sessions.map(({ peer, again }) => `${peer} ${seconds(again.at(-1))}`).join(", ")}`);
  }
}

/** {@link open}; that onnxruntime-web cannot run a large model is told in a sentence, everything else is an error. */
async function openOrSay(peer, input, browser, addresses, server) {
  const mayFail = peer === "onnxruntime" && input.model.tooLarge;
  try {
    return await open(peer, input, browser, addresses, server, mayFail ? FIRST_RESULT_MS : Infinity);
  } catch (error) {
    if (!mayFail) throw error;
    return { failed: error.message };
  }
}

/** A browser with a peer that has its model, has run once and so has its kernels compiled. */
async function open(peer, { model, device, threads, gpu }, name, pictures, server, patience) {
  const browser = await launch(name, { gpu });
  let watch;
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    const { pid } = browser.process();
    const empty = memoryOf(pid);
    watch = watchMemory(pid);
    const request = { peer, model, device, threads };
    const first = await firstResult(page, request, pictures, patience);
    const peak = watch.stop();
    const memory = peak === null || empty === null ? null : { peak, empty };
    return { peer, browser, page, request, ...first, memory, times: [], again: [], version: await browser.version() };
  } catch (error) {
    watch?.stop();
    await browser.close();
    throw new Error(`${peer} could not run ${model.title} on ${device} in ${name}: ${reason(error)}`);
  }
}

/** Opens a model in a fresh page and runs it once. `startMs` leaves out the decoding of the pictures. */
async function firstResult(page, request, pictures, patience = Infinity) {
  const start = performance.now();
  const where = await page.evaluate((request) => call("open", request), request);
  const openMs = performance.now() - start;
  const input = await page.evaluate((input) => call("prepare", input), { pictures });
  const { ms: firstMs, embeddings } = await firstRun(page, patience - openMs);
  return { where, openMs, firstMs, startMs: openMs + firstMs, embeddings, input };
}

/** The first result, or an error where it has not come within so many milliseconds. */
function firstRun(page, patience) {
  const running = page.evaluate(() => call("run"));
  return patience === Infinity ? running : within(Math.round(patience / 1_000), running, "a first result");
}

/** One line of what a browser says. */
function reason({ message }) {
  const line = message.replace(/\s+/g, " ").trim();
  return line.length > REASON ? `${line.slice(0, REASON)}…` : line;
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
