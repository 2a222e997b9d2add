/** `fetch` that gives up on a connection which is open and says nothing. */
import { chunks, whole } from "./chunks.ts";
import { asProblem, Problem } from "./protocol.ts";

/** Milliseconds without an answer, or without the next byte of one: longer than any server thinks, shorter than the patience of the page. */
export const STALLED = 30_000;

/**
 * As `fetch`; an answer, or a body, that stays away for `patience` milliseconds fails with `network`, and its connection
 * is closed. Only while somebody waits for bytes: who reads slowly is given as long as it takes.
 */
export async function fetchAlive(url: URL, { signal, ...init }: RequestInit, patience = STALLED): Promise<Response> {
  const connection = new AbortController();
  const stop = (): void => connection.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const end = (): void => signal?.removeEventListener("abort", stop);
  const within = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Problem("network", `${url.host} sent nothing for ${Math.round(patience / 1000)} seconds.`));
        connection.abort();
      }, patience);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  try {
    const response = await within(fetch(url, { ...init, signal: connection.signal }));
    if (response.body === null) {
      end();
      return response;
    }
    const { status, statusText, headers } = response;
    return new Response(watched(response.body, within, end), { status, statusText, headers });
  } catch (thrown) {
    end();
    throw thrown;
  }
}

/** All of an answer; one that breaks off fails with `network`. `name` is the file's. */
export async function bodyOf({ body }: Response, name: string): Promise<Uint8Array> {
  try {
    return body === null ? new Uint8Array() : await whole(chunks(body));
  } catch (thrown) {
    const problem = asProblem(thrown, "network");
    throw thrown instanceof Problem || problem.code === "cancelled" ? problem : new Problem("network", `${name} did not arrive whole.`);
  }
}

/** The same bytes, each chunk asked for when it is wanted, and not waited for longer than `within` does. */
function watched(body: ReadableStream<Uint8Array>, within: <T>(work: Promise<T>) => Promise<T>, end: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await within(reader.read());
          if (!done) return controller.enqueue(value);
          end();
          controller.close();
        } catch (thrown) {
          end();
          throw thrown;
        }
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
