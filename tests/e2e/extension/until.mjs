/** Waits until `condition` holds; `shown` is what a failure prints. */
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
