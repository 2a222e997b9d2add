/**
 * The room: the detector and the pictures of this session, in a document that nobody sees. It outlives the panel
 * and, in Chromium, the background; in Firefox it ends with the background and goes on from its ledger.
 */
import type { DevicePreference } from "../safelight.js";
import { Line } from "../line.ts";
import type { CheckState, Waiter } from "../line.ts";
import { asProblem } from "../protocol.ts";
import { Session } from "../page/session.ts";
import { readSettings, rememberHead } from "../page/settings.ts";
import { importHead } from "../page/train/importing.ts";
import { ROOM_ENDS_WITH_BACKGROUND, sessionMemory } from "./browser.ts";
import { fetchPlace } from "./fetch-place.ts";
import { Ledger, LONGEST_ADDRESS } from "./ledger.ts";
import type { Saved } from "./ledger.ts";
import { ask, isPanelOpen } from "./link.ts";
import { asFailure, CHANNEL, CHECK_LOST, hasEnded, isLost, ROOM_LOCK } from "./messages.ts";
import type { DetectorState, Entry, FromRoom, Place, ToRoom } from "./messages.ts";
import { blobOf, isDrawing, thumbnail } from "./pictures.ts";
import { SENTENCES } from "./sentences.ts";

/** Pictures of this session that are kept. */
const KEPT = 20;
/** The detector keeps its memory for this long after the last use. */
const REST_MS = 10 * 60_000;
/** Well within the 30 s after which Firefox stops what seems idle. */
const ATTEND_MS = 5_000;
/** A check in whose middle so many rooms ended is not begun again by itself: it may be what ends them. */
const INTERRUPTIONS = 2;

interface Job extends Waiter {
  id: string;
}

class Room {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #ledger: Ledger;
  readonly #line = new Line<Job>(({ id }, state) => this.#advance(id, state));
  readonly #settings = readSettings();
  readonly #session = new Session(
    this.#settings,
    (state) => this.#detect(state.phase === "failed" ? { phase: "failed", failure: asFailure(state.problem) } : state),
    (client) => this.#line.use(client),
  );
  /** The newest first. */
  #entries: Entry[];
  readonly #places = new Map<string, Place>();
  /** Pictures that have no verdict yet, or one that a caption may change. */
  readonly #jobs = new Map<string, Job>();
  #detector: DetectorState = { phase: "asleep" };
  #used = Date.now();

  constructor(ledger: Ledger, { entries, places }: Saved) {
    this.#ledger = ledger;
    this.#entries = entries;
    for (const [id, place] of places) this.#places.set(id, place);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<ToRoom>) => this.#receive(data));
  }

  /** Opens the detector, and takes up what the room before this one was doing. */
  start(pictures: ReadonlyMap<string, string>): void {
    setInterval(() => void this.#attend(), ATTEND_MS);
    this.#wake();
    for (const entry of [...this.#entries].reverse()) {
      const { id, state } = entry;
      if (hasEnded(state)) continue;
      if (state.name !== "waiting") entry.interrupted += 1;
      const data = pictures.get(id);
      if (entry.interrupted >= INTERRUPTIONS) this.#fail(id, "check-interrupted", SENTENCES.interrupted);
      else if (data !== undefined) void this.#take(id, blobOf(data));
      else this.#again(id);
    }
  }

  #receive(message: ToRoom): void {
    this.#wake();
    switch (message.kind) {
      case "hello":
        return this.#sayAll();
      case "look":
        return this.#look(message.place);
      case "check": {
        const { id, picture, name } = message;
        const state = this.#entry(id)?.state;
        if (state === undefined) this.#add({ id, name, size: picture.size });
        else if (isLost(state)) this.#set(id, { state: { name: "fetching" } });
        else return; // it was given again meanwhile
        return void this.#take(id, Promise.resolve(picture));
      }
      case "cancel": {
        const job = this.#jobs.get(message.id);
        return job === undefined ? this.#fail(message.id, "cancelled", "Stopped.") : this.#line.leave(job);
      }
      case "again":
        this.#set(message.id, { interrupted: 0 });
        return this.#again(message.id);
      case "caption":
        return void this.#caption(message.id, message.caption);
      case "remove":
        this.#remove(message.id);
        return this.#sayAll();
      case "clear":
        return this.#clear();
      case "reset":
        rememberHead(this.#settings, null);
        this.#clear();
        return this.#open("auto");
      case "reopen":
        return this.#open(message.preference);
      case "use-head":
        return void this.#useHead(Promise.resolve(message.head));
      case "import-head":
        return void this.#useHead(importHead(this.#session, message.file).then(({ sha256 }) => sha256));
    }
  }

  #clear(): void {
    for (const { id } of [...this.#entries]) this.#remove(id);
    this.#sayAll();
  }

  #look(place: Place): void {
    const id = crypto.randomUUID();
    this.#places.set(id, place); // first, so that it is saved with the entry
    this.#add({ id, name: "Picture on a page", size: 0 });
    void this.#fetch(id, place);
  }

  /** Where the picture is not held any more, its verdict stays until the picture is here again. */
  async #caption(id: string, caption: string | null): Promise<void> {
    const job = this.#jobs.get(id);
    if (job !== undefined) {
      this.#set(id, { given: caption });
      job.caption = caption;
      return this.#rejoin(job);
    }
    const place = this.#places.get(id);
    const fetched = place === undefined ? null : await fetchPlace(place);
    const state = this.#entry(id)?.state;
    if (state?.name !== "done") return; // removed, or asked twice
    const notice = { code: "picture-gone", message: SENTENCES.gone } as const;
    if (fetched?.kind !== "picture") return this.#set(id, { state: { ...state, notice } });
    this.#set(id, { given: caption });
    await this.#take(id, blobOf(fetched.data));
  }

  #again(id: string): void {
    const job = this.#jobs.get(id);
    const place = this.#places.get(id);
    if (job !== undefined) this.#rejoin(job);
    else if (place !== undefined) void this.#fetch(id, place);
    else this.#fail(id, CHECK_LOST, SENTENCES.lost);
  }

  /** The ledger let go of it when its check ended. */
  #rejoin(job: Job): void {
    this.#ledger.keep(job.id, job.picture);
    this.#line.join(job);
  }

  async #fetch(id: string, place: Place): Promise<void> {
    this.#set(id, { state: { name: "fetching" } });
    const fetched = await fetchPlace(place);
    if (this.#entry(id)?.state.name !== "fetching") return; // removed or stopped meanwhile
    if (fetched.kind === "failed") return this.#fail(id, fetched.failure.code, fetched.failure.message);
    const { name, host, caption } = fetched;
    if (fetched.kind === "blocked") return this.#set(id, { name, host, caption, state: { name: "blocked", origin: fetched.origin, host: fetched.host } });
    this.#set(id, { name, host, caption });
    await this.#take(id, blobOf(fetched.data));
    if (this.#jobs.has(id) && (place.url?.length ?? 0) > LONGEST_ADDRESS) this.#places.delete(id); // a second copy of the picture
  }

  /** A picture whose bytes are here: its thumbnail is made, and it joins the line. */
  async #take(id: string, coming: Promise<Blob>): Promise<void> {
    try {
      const picture = await coming;
      this.#set(id, { size: picture.size });
      if (await isDrawing(picture)) return this.#fail(id, "picture-drawing", SENTENCES.drawing);
      const entry = this.#entry(id);
      if (entry === undefined || entry.state.name === "failed") return; // removed or stopped meanwhile
      this.#ledger.keep(id, picture);
      void thumbnail(picture).then((thumbnail) => this.#set(id, { thumbnail }));
      const job: Job = { id, picture, caption: entry.given, abort: null };
      this.#jobs.set(id, job);
      this.#line.join(job);
    } catch (thrown) {
      const { code, message } = asProblem(thrown, "picture-unreadable");
      this.#fail(id, code, message);
    }
  }

  #advance(id: string, state: CheckState): void {
    // The picture itself is not needed any more, unless a caption may come.
    if (state.name === "done" && state.verdict.caption === "unread") this.#jobs.delete(id);
    this.#used = Date.now();
    this.#set(id, { state: state.name === "failed" ? { name: "failed", failure: asFailure(state.problem) } : state });
  }

  #add(named: Pick<Entry, "id" | "name" | "size">): void {
    this.#entries.unshift({ ...named, thumbnail: null, caption: null, given: null, host: null, interrupted: 0, state: { name: "fetching" } });
    this.#trim();
    this.#sayAll();
  }

  /** Lets the oldest go that have ended. */
  #trim(): boolean {
    const ended = this.#entries.filter(({ state }) => hasEnded(state)).reverse();
    const beyond = ended.slice(0, Math.max(0, this.#entries.length - KEPT));
    for (const { id } of beyond) this.#remove(id);
    return beyond.length > 0;
  }

  #remove(id: string): void {
    const job = this.#jobs.get(id);
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    if (job !== undefined) this.#line.leave(job);
    this.#jobs.delete(id);
    this.#places.delete(id);
    this.#ledger.drop(id);
  }

  #fail(id: string, code: string, message: string): void {
    this.#set(id, { state: { name: "failed", failure: { code, message } } });
  }

  #set(id: string, change: Partial<Entry>): void {
    const entry = this.#entry(id);
    if (entry === undefined) return;
    Object.assign(entry, change);
    this.#say({ kind: "entry", entry });
    if (change.state?.name === "checking") return;
    if (change.state !== undefined && hasEnded(change.state)) this.#ledger.drop(id);
    if (this.#trim()) this.#sayAll();
    else this.#ledger.write(this.#entries, this.#places);
  }

  #entry(id: string): Entry | undefined {
    return this.#entries.find((entry) => entry.id === id);
  }

  #detect(detector: DetectorState): void {
    this.#detector = detector;
    this.#say({ kind: "detector", detector, head: this.#session.headInUse() });
  }

  #sayAll(): void {
    this.#say({ kind: "all", detector: this.#detector, entries: this.#entries, head: this.#session.headInUse() });
    this.#ledger.write(this.#entries, this.#places);
  }

  #say(message: FromRoom): void {
    this.#channel.postMessage(message);
  }

  #wake(): void {
    this.#used = Date.now();
    if (this.#detector.phase === "asleep") this.#open(this.#settings.preference);
  }

  #open(preference: DevicePreference): void {
    this.#settings.preference = preference;
    this.#detect({ phase: "opening", progress: null });
    void this.#session.open(preference);
  }

  async #useHead(coming: Promise<string | null>): Promise<void> {
    try {
      await this.#session.useHead(await coming);
      const { name, trained } = (await this.#session.client()).opened?.info.head ?? { name: "", trained: "" };
      this.#say({ kind: "head", head: this.#session.headInUse(), outcome: { name, trained } });
    } catch (thrown) {
      this.#say({ kind: "head", head: this.#session.headInUse(), outcome: asFailure(asProblem(thrown, "head-format")) });
    }
  }

  /** Keeps the browser from ending what is in use, and gives memory back when nothing is. */
  async #attend(): Promise<void> {
    if (this.#detector.phase === "asleep") return;
    // What waits for a detector that cannot be opened may wait for long.
    const isBusy = this.#line.busy && this.#detector.phase !== "failed";
    if (isBusy || (await isPanelOpen())) this.#used = Date.now();
    if (Date.now() - this.#used < REST_MS) {
      // The background may just be stopping, and the room with it: whoever waits opens another.
      if (ROOM_ENDS_WITH_BACKGROUND) await ask({ kind: "stay-awake" }).catch(() => undefined);
      return;
    }
    this.#session.close();
    this.#detect({ phase: "asleep" });
  }
}

const ledger = new Ledger(sessionMemory());
const saved = await ledger.read();
const room = new Room(ledger, saved); // it listens, so whoever sees the lock is heard
void navigator.locks.request(ROOM_LOCK, () => {
  room.start(saved.pictures);
  return new Promise<never>(() => undefined);
});
