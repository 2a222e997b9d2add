/** Puts the page together: settings, one client, one queue. */
import { Client } from "../client.ts";
import type { ClientState } from "../client.ts";
import { asProblem } from "../protocol.ts";
import type { DevicePreference } from "../safelight.js";
import { takeIn } from "./intake.ts";
import { keepOffline, keepStored } from "./offline.ts";
import { Queue } from "./queue.ts";
import { readSettings, onPreference } from "./settings.ts";
import { Status } from "./status.ts";

const settings = readSettings();
const queue = new Queue();
const status = new Status(() => void open(settings.preference));
let current: Client | null = null;
/** Counts openings, so that the outcome of one that was replaced is ignored. */
let turn = 0;

async function open(preference: DevicePreference): Promise<void> {
  turn += 1;
  const mine = turn;
  queue.use(null);
  current?.close();
  current = null;
  const onState = (state: ClientState): void => {
    if (mine === turn) status.show(state);
  };
  const models = new URL("models/", document.baseURI).href;
  const { pack, head, storedHead } = settings;
  try {
    const client = await Client.open({ models, pack, head, storedHead, preference, onState });
    if (mine !== turn) return client.close();
    current = client;
    queue.use(client);
  } catch (thrown) {
    if (mine === turn) status.show({ phase: "failed", problem: asProblem(thrown, "worker-crashed") });
  }
}

takeIn((files) => queue.add(files));
onPreference(settings, (preference) => void open(preference));
queue.onVerdict = () => void keepStored().catch(() => undefined);
void open(settings.preference);
void keepOffline();
