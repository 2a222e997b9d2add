// What the tests of training do on the page.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { launch, openPage, ready } from "./browser.mjs";
import { makeFolder } from "./folders.mjs";

/** Two sources of each class; the last folder's name says no class. */
export const FOLDERS = ["real/agency", "real/phone", "generated/flux", "generated/midjourney", "holiday"];

/** A fresh browser with the training view of `server`'s page open. */
export async function studio(server, name) {
  const browser = await launch(name);
  const { page, errors } = await openPage(browser, `${server.url}#train`);
  await ready(page);
  page.setDefaultTimeout(30_000);
  return { browser, page, errors };
}

/** A folder with a note and two broken files among its pictures. */
export const newsroom = () =>
  makeFolder("newsroom", {
    folders: FOLDERS,
    each: 12,
    others: { "notes.txt": Buffer.from("notes"), "real/agency/broken.jpg": Buffer.from("not a picture"), "generated/flux/empty.jpg": Buffer.alloc(0) },
  });

/** Gives the page a folder through its input: Chromium takes the folder itself, Firefox's driver only its files. */
export async function chooseFolder(page, root) {
  await page.waitForSelector("#folder");
  if (!/firefox/i.test(await page.browser().version())) {
    const input = await page.$("#folder");
    return input.uploadFile(root);
  }
  const name = root.slice(root.lastIndexOf("/") + 1);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const given = files.map((entry) => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    return [`${name}/${relative(root, path)}`, readFileSync(path).toString("base64")];
  });
  await page.evaluate((given) => {
    const data = new DataTransfer();
    for (const [path, base64] of given) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], path.slice(path.lastIndexOf("/") + 1)));
    }
    const input = document.getElementById("folder");
    input.files = data.files;
    [...input.files].forEach((file, index) => Object.defineProperty(file, "webkitRelativePath", { value: given[index][0] }));
    input.dispatchEvent(new Event("change"));
  }, given);
}

/** A real drop of a folder, which only Chromium's driver can do. */
export async function dropFolder(page, root) {
  const session = await page.createCDPSession();
  const data = { items: [], files: [root], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 600, y: 500, data });
}

/** Puts a folder where Chromium's picker would find it: the test cannot click the system's own dialogue. */
export async function stubPicker(page, files) {
  await page.evaluate(async (files) => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
    for (const [path, base64] of files) {
      const parts = path.split("/");
      let folder = root;
      for (const part of parts.slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create: true });
      const writable = await (await folder.getFileHandle(parts.at(-1), { create: true })).createWritable();
      await writable.write(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
      await writable.close();
    }
    window.showDirectoryPicker = async () => root;
  }, files);
}

/** From the labels to the audit, with every unknown folder called `meaning`. */
export async function toAudit(page, meaning = "real") {
  await page.waitForSelector(".labels");
  for (const row of await page.$$(".folder[data-open]")) await (await row.$(`input[value=${meaning}]`)).evaluate((input) => input.click());
  await page.waitForFunction(() => !document.getElementById("labels-next").disabled);
  await page.click("#labels-next");
  await page.waitForSelector("#train");
}

/** The words of the screen that is shown. */
export function stage(page) {
  return page.$eval(".stage", (element) => element.innerText);
}

export async function finished(page) {
  await page.waitForSelector(".report", { timeout: 60_000 });
  return stage(page);
}

/** The heads that are listed: name, whether in use. */
export function heads(page) {
  return page.$$eval(".head", (all) => all.map((head) => ({ name: head.querySelector("h3").firstChild.textContent, inUse: head.hasAttribute("data-in-use"), sha256: head.dataset.sha256 })));
}
