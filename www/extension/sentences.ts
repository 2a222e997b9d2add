/** What the extension says of itself when something goes wrong; capture.ts has what it says of pages. */
export const SENTENCES = {
  closed: "Safelight’s detector could not be started in this browser. Close this panel and open it again; if that does not help, start the browser anew.",
  drawing: "Not a photograph: this is a drawing made of shapes (SVG), so there is nothing to measure.",
  lost: "The browser stopped Safelight in the middle of this check. Choose the picture again.",
  interrupted: "The browser stopped Safelight twice in the middle of this check, so it does not begin again by itself. Choose “Check again”, or try a smaller copy.",
  unfetched: "The browser stopped Safelight each time it fetched this picture. Try again, or save the picture and choose the file.",
  gone: "The browser has let go of the picture, so these words were not weighed; right-click it again, or choose its file.",
} as const;
