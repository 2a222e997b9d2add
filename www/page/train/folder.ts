/** A folder as the browser gives it: opened by a picker, by an input, or dropped. Files are read one at a time, later. */

/** A file of the folder. Holding it costs nothing: the bytes stay on the disk until `read`. */
export interface Entry {
  /** Relative to the folder, `real/camera/1.jpg`. */
  path: string;
  read(): Promise<File>;
}

export interface Folder {
  name: string;
  entries: Entry[];
  /** Where the browser can open the folder again on a later visit. */
  handle: FileSystemDirectoryHandle | null;
}

type Picker = (options?: { id?: string; mode?: "read" }) => Promise<FileSystemDirectoryHandle>;

/** Chromium's picker, whose handle can be kept; elsewhere `null`, and an `<input webkitdirectory>` serves. */
export function folderPicker(): Picker | null {
  const { showDirectoryPicker } = window as { showDirectoryPicker?: Picker };
  return showDirectoryPicker?.bind(window) ?? null;
}

/** Everything below `handle`; `found` hears how many files there are so far. */
export async function fromHandle(handle: FileSystemDirectoryHandle, signal: AbortSignal, found: (count: number) => void): Promise<Folder> {
  const entries: Entry[] = [];
  const walk = async (folder: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
    for await (const [name, child] of folder.entries()) {
      signal.throwIfAborted();
      if (isHidden(name)) continue;
      if (child.kind === "directory") await walk(child as FileSystemDirectoryHandle, `${prefix}${name}/`);
      else {
        entries.push({ path: prefix + name, read: () => (child as FileSystemFileHandle).getFile() });
        if (entries.length % 100 === 0) found(entries.length);
      }
    }
  };
  await walk(handle, "");
  return { name: handle.name, entries: sorted(entries), handle };
}

/** The files of an `<input webkitdirectory>`. */
export function fromFiles(files: readonly File[]): Folder {
  const name = files[0]?.webkitRelativePath.split("/")[0] ?? "";
  const entries = files
    .map((file): Entry => ({ path: file.webkitRelativePath.slice(name.length + 1) || file.name, read: async () => file }))
    .filter(({ path }) => !path.split("/").some(isHidden));
  return { name, entries: sorted(entries), handle: null };
}

/** What is dropped, which must be asked for before the event's listener returns; `null` when it is no folder. */
export function fromDrop(data: DataTransfer, signal: AbortSignal, found: (count: number) => void): Promise<Folder> | null {
  const dropped = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const folders = dropped.filter((entry): entry is FileSystemDirectoryEntry => entry.isDirectory);
  if (folders.length === 0) return null;
  const [first] = data.items;
  if (folders.length === 1 && dropped.length === 1 && first !== undefined && "getAsFileSystemHandle" in first) {
    const handle = (first as DataTransferItem & { getAsFileSystemHandle(): Promise<FileSystemHandle | null> }).getAsFileSystemHandle();
    return handle.then((handle) => (handle?.kind === "directory" ? fromHandle(handle as FileSystemDirectoryHandle, signal, found) : walkDropped(folders, signal, found)));
  }
  return walkDropped(folders, signal, found);
}

async function walkDropped(folders: FileSystemDirectoryEntry[], signal: AbortSignal, found: (count: number) => void): Promise<Folder> {
  const entries: Entry[] = [];
  const walk = async (folder: FileSystemDirectoryEntry, prefix: string): Promise<void> => {
    const reader = folder.createReader();
    // A reader gives a hundred at a time, and nothing at the end.
    for (let batch = await readSome(reader); batch.length > 0; batch = await readSome(reader)) {
      signal.throwIfAborted();
      for (const child of batch) {
        if (isHidden(child.name)) continue;
        if (child.isDirectory) await walk(child as FileSystemDirectoryEntry, `${prefix}${child.name}/`);
        else entries.push({ path: prefix + child.name, read: () => readFile(child as FileSystemFileEntry) });
      }
      found(entries.length);
    }
  };
  const [only] = folders;
  if (folders.length === 1 && only !== undefined) {
    await walk(only, "");
    return { name: only.name, entries: sorted(entries), handle: null };
  }
  for (const folder of folders) await walk(folder, `${folder.name}/`);
  return { name: folders.map(({ name }) => name).join(", "), entries: sorted(entries), handle: null };
}

function readSome(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** `.DS_Store`, `._1.jpg`, `__MACOSX`, `Thumbs.db`: a system's own files, which nobody would miss in a list. */
function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX" || name === "Thumbs.db" || name === "desktop.ini";
}

/** The order decides the folds, so it must not depend on how the browser lists a folder. */
function sorted(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}
