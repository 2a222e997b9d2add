/** A head from a file: read by the detector, which says whether it fits, then kept. */
import { reportIn } from "../../headfile.ts";
import { keepHead } from "../../heads.ts";
import type { StoredHead } from "../../protocol.ts";
import { ask } from "./lent.ts";
import type { Lent } from "./lent.ts";

/** Rejects with a `Problem` when the file is no head, or one of another model. */
export async function importHead(lent: Lent, file: Blob): Promise<StoredHead> {
  const { name, trained, figures } = await ask(lent, "readHead", { file });
  const bytes = new Uint8Array(await file.arrayBuffer());
  const client = await lent.client();
  const pack = client.opened?.info.pack.sha256 ?? "";
  return keepHead(bytes, { name, trained, pack, figures, report: reportIn(bytes), worst: [] });
}
