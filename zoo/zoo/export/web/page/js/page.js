// What all of the page's modules share: the model that is shown, and where messages stand.

/** index: models.json; model: the one that is shown, as `openModel` gives it. */
export const state = { index: null, model: null };

export const at = (id) => document.getElementById(id);

export function button(text, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => onClick(made));
  return made;
}

/** A button whose text may be cut. */
export function chip(text, onClick) {
  const made = button(text, onClick);
  made.title = text;
  return made;
}

/** error: null where there is none. */
export function showFault(error) {
  at("fault").hidden = error === null;
  at("fault").textContent = error === null ? "" : `${error.message}.`;
}

export function showStatus(text) {
  at("status").textContent = text;
}

/** share: from 0, nothing or all, to 1. */
export function setProgress(share) {
  const percent = Math.round(100 * share);
  at("progress").ariaValueNow = String(percent);
  at("progress").firstElementChild.style.width = `${percent}%`;
}
