// Between two captions: a strip of images, and a slider over it.

import { ImageView } from "./images.js";
import { at, state } from "./page.js";

const STEPS = 9;

/** Show the way between two captions, or the images of one. */
export function showWay() {
  const { between, frames, tokenizer } = state.model;
  at("second").hidden = at("way").hidden = !between;
  at("between").ariaPressed = String(between);
  at("rows").hidden = at("look").hidden = between;
  at("proposed").hidden = between || !tokenizer.readsText;
  if (!between) return;
  at("strip").replaceChildren(...frames.map((frame) => frame.element));
  if (frames.length > 0) showFrame(0);
}

/** Empty frames in the place of the model's. */
export function newFrames() {
  const { model } = state;
  model.frames = Array.from({ length: STEPS }, () => new ImageView(model.description.resolution));
  model.frames.forEach((view, step) => view.element.addEventListener("click", () => showFrame(step)));
  at("strip").replaceChildren(...model.frames.map((view) => view.element));
  at("step").max = STEPS - 1;
  return model.frames;
}

/** Show the frame of a step at large. */
export function showFrame(step) {
  const { frames } = state.model;
  if (step >= frames.length) return;
  const { pixels } = frames[step];
  const large = at("frame");
  large.width = large.height = pixels.width;
  large.getContext("2d").drawImage(pixels, 0, 0);
  at("step").value = step;
  frames.forEach((view, place) => view.element.classList.toggle("chosen", place === step));
}

export const showChosenFrame = () => showFrame(Number(at("step").value));
