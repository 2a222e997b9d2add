// One worker, as in the real page; `call` is what run.mjs asks through.
const worker = new Worker("worker.js", { type: "module" });
const waiting = new Map();
let calls = 0;

worker.addEventListener("message", ({ data: { id, result, error } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (error === undefined) resolve(result);
  else reject(new Error(error));
});
worker.addEventListener("error", ({ message }) => {
  for (const { reject } of waiting.values()) reject(new Error(message || "the worker could not be started"));
});

globalThis.call = (kind, input) =>
  new Promise((resolve, reject) => {
    calls += 1;
    waiting.set(calls, { resolve, reject });
    worker.postMessage({ id: calls, kind, input });
  });
