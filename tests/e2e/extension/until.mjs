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

/** Seconds that one answer may take: a document that was closed while it was asked gives none. */
const ANSWER = 10;

/** Waits until `condition` holds; `shown` is what a failure prints. */
export async function until(condition, what, seconds = 20, shown = () => "") {
  const end = Date.now() + seconds * 1_000;
  let error = "";
  for (;;) {
    try {
      if (await within(ANSWER, Promise.resolve(condition()), "an answer")) return;
    } catch (thrown) {
      error = String(thrown); // a panel that is just opening
    }
    if (Date.now() > end) {
      const seen = await within(ANSWER, Promise.resolve(shown()), "an answer").catch(String);
      throw new Error(`not in ${seconds} s: ${what} ${error} ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
