// Memory of a browser: the proportional set size (a page shared by k processes counts 1/k) of all its processes, summed.
// Without a GPU it includes what a software adapter allocates; a real GPU's own memory it does not see.
import { readdirSync, readFileSync } from "node:fs";

const EVERY_MS = 100;

/** Bytes now, or null where the system does not tell (it takes Linux's /proc). */
export function memoryOf(pid) {
  const parents = new Map();
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const stat = read(`/proc/${name}/stat`);
      // The command's name, in brackets, may hold spaces and brackets itself.
      if (stat !== null) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    }
  } catch {
    return null;
  }
  const belongs = (candidate) => candidate === pid || (parents.has(candidate) && belongs(parents.get(candidate)));
  let kilobytes = 0;
  for (const process of [...parents.keys()].filter(belongs))
    kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${process}/smaps_rollup`) ?? "")?.[1] ?? 0);
  return kilobytes === 0 ? null : kilobytes * 1024;
}

/** Watches until `stop`, which gives the largest sum that was seen, or null. */
export function watchMemory(pid) {
  let peak = memoryOf(pid);
  const look = () => {
    const now = memoryOf(pid);
    if (now !== null && now > peak) peak = now;
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peak;
    },
  };
}

/** null for a process that has ended meanwhile. */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
