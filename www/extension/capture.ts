/**
 * A picture's bytes. First inside its page, which the click opened to us: what the person sees, with the page's
 * cookies, also `blob:` and `data:`. Where the page may not read it (most pictures from other hosts), from its
 * host, if the person has allowed that host; else the answer says which to ask for.
 */
import { readPicture } from "./in-page.ts";
import type { InPage } from "./in-page.ts";
import { LEFT_OUT } from "./messages.ts";
import type { Fetched, Place } from "./messages.ts";
import { dataUrlOf } from "./pictures.ts";

/** Longest file that is carried; the detector's own limit is 64 MiB, and messages carry it as base64. */
const LONGEST = 45 << 20;
/** Longest name that is shown. */
const NAME = 200;

const SENTENCES = {
  "page-closed": "This page does not show its pictures to extensions. Save the picture and choose the file, or drop it here.",
  "page-asks": "Safelight has not been asked about this page yet. Click its button in the toolbar while the page is open, then try again.",
  "page-empty": "There is no picture on this page that is larger than an icon.",
  "page-gone": "The page no longer has this picture, or is gone itself. Open it again, or save the picture and choose the file.",
  "file-address": "This picture is a file on this device. Choose it with “Choose pictures”, or drop it here.",
  "host-failed": "The picture’s host did not give it to Safelight. Save the picture and choose the file, or drop it here.",
  "capture-failed": "Safelight could not get this picture. Save it and choose the file, or drop it here.",
  "picture-long": "This picture is too long to be taken from a page. Save it and choose the file.",
} as const;

/** Never rejects. */
export function capture(place: Place): Promise<Fetched> {
  return find(place).catch(() => failed("capture-failed")); // an address, say, that no permission can be asked for
}

async function find(place: Place): Promise<Fetched> {
  const page = await look(place);
  if (page === "closed" && place.url === null) return failed("page-asks");
  const found = page === "closed" ? null : page;
  const url = found?.url ?? place.url;
  if (url === null) return failed("page-empty");
  if (url === LEFT_OUT) return failed("picture-long"); // the page has none or several such pictures
  const data = found?.data ?? (url.startsWith("data:") ? url : null);
  const { name, host } = describe(url);
  const caption = found?.caption ?? null;
  if (data !== null) return data.length > LONGEST * (4 / 3) ? failed("picture-long") : { kind: "picture", data, name, caption, host };
  if (url.startsWith("blob:")) return failed(page === "closed" ? "page-closed" : "page-gone");
  if (url.startsWith("file:")) return failed("file-address");
  if (host === null) return failed("page-closed");
  const origin = `${new URL(url).protocol}//${new URL(url).hostname}/*`; // match patterns have no port
  if (!(await chrome.permissions.contains({ origins: [origin] }))) return { kind: "blocked", origin, host, name, caption };
  return fromHost(url, name, caption, host);
}

/** Asks the page; `closed` where the browser does not let us. */
async function look({ tabId, frameId, url }: Place): Promise<InPage | null | "closed"> {
  try {
    const target = { tabId, frameIds: [frameId] };
    const [answer] = await chrome.scripting.executeScript({ target, func: readPicture, args: [url] });
    return answer?.result ?? null;
  } catch {
    return "closed";
  }
}

/** With the person's cookies for that host, as when the page showed it. */
async function fromHost(url: string, name: string, caption: string | null, host: string): Promise<Fetched> {
  try {
    const response = await fetch(url, { credentials: "include", cache: "force-cache" });
    const blob = await response.blob();
    if (!response.ok || blob.size === 0 || blob.type.startsWith("text/html")) return failed("host-failed");
    if (blob.size > LONGEST) return failed("picture-long");
    return { kind: "picture", data: await dataUrlOf(blob), name, caption, host };
  } catch {
    return failed("host-failed");
  }
}

/** The file's name in its address, and the host; `data:` and `blob:` have neither. */
function describe(address: string): { name: string; host: string | null } {
  const { protocol, host, pathname } = new URL(address);
  if (protocol !== "http:" && protocol !== "https:") return { name: "Picture on a page", host: null };
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  return { name: decode(last).slice(0, NAME) || host, host };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone per cent sign
  }
}

function failed(code: keyof typeof SENTENCES): Fetched {
  return { kind: "failed", failure: { code, message: SENTENCES[code] } };
}
