/** Puts the page together: settings, one session, one queue. */
import type { DevicePreference } from "../safelight.js";
import { Session } from "../session.ts";
import { takeIn } from "./intake.ts";
import { keepOffline, keepStored } from "./offline.ts";
import { Queue } from "./queue.ts";
import { readSettings, onPreference } from "./settings.ts";
import { Status } from "./status.ts";

const settings = readSettings();
const queue = new Queue();
const status = new Status(() => void open(settings.preference));
const session = new Session((client) => queue.use(client), (state) => status.show(state));

function open(preference: DevicePreference): Promise<void> {
  const models = new URL("models/", document.baseURI).href;
  return session.open({ models, pack: settings.pack, head: settings.head, preference });
}

takeIn((files) => queue.add(files));
onPreference(settings, (preference) => void open(preference));
queue.onVerdict = () => void keepStored().catch(() => undefined);
void open(settings.preference);
void keepOffline();
