/** `promise`, or after `seconds` an error that says what did not happen. */
export async function within(seconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not in ${seconds} s: ${what}`)), seconds * 1_000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A browser's `driver` whose every step ends within a minute and a half (a frame of a software GPU can take one), or says which did not. */
export const limited = (driver) => new Proxy(driver, {
  get(_, name) {
    const value = driver[name];
    if (typeof value !== "function") return value;
    return (...args) => {
      const result = value.apply(driver, args);
      return result instanceof Promise ? within(90, result, `${driver.name} ${String(name)} ${args.map(String).join(", ").slice(0, 200)}`) : result;
    };
  },
});

/** Milliseconds for one test, which ends long before that even on a busy machine. */
export const TEST = { timeout: 3 * 60_000 };
/** The same for what comes before a file's tests: a build, and a browser that starts. */
export const START = { timeout: 5 * 60_000 };

/**
 * Waits until `condition` holds; `shown` is what a failure prints. Asks again only when it has its answer, so that
 * questions never pile up in a slow browser; that each has an answer, or an error in its place, is the drivers' part.
 */
export async function until(condition, what, seconds = 20, shown = () => "") {
  const end = Date.now() + seconds * 1_000;
  let error = "";
  for (;;) {
    try {
      if (await condition()) return;
    } catch (thrown) {
      error = String(thrown); // a panel that is just opening
    }
    if (Date.now() > end) throw new Error(`not in ${seconds} s: ${what} ${error} ${JSON.stringify(await Promise.resolve(shown()).catch(String))}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Closes browsers and servers, each whatever becomes of the others; `undefined` was never opened. */
export async function closeAll(...opened) {
  const ends = await Promise.allSettled(opened.map((one) => within(30, Promise.resolve(one?.close()), "something closes")));
  for (const { reason } of ends) if (reason !== undefined) console.log(`# ${reason.message}`); // the test's own error counts
}
