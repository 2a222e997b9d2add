/** Pictures that are there twice: which of them stay. */
import type { AuditReport } from "../../safelight-training.js";
import type { Member } from "./project.ts";

/**
 * Whom to leave out so that no pair is left. A corrected verdict is the person's later word, so it stays; else the first
 * stays, and of a pair with two labels neither, because which one is right is not known.
 */
export function copies(members: readonly Member[], duplicates: AuditReport["duplicates"]): Set<Member> {
  const out = new Set<Member>();
  for (const { a, b, acrossClasses } of duplicates) {
    const [first, second] = [members[a], members[b]];
    if (first === undefined || second === undefined) continue;
    if (first.corrected !== second.corrected) out.add(first.corrected ? second : first);
    else {
      out.add(second);
      if (acrossClasses) out.add(first);
    }
  }
  return out;
}
