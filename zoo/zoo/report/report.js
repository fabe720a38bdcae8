"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const shown = { step: null }; // the training step of the samples on show, marked in the curves of the same stage

// ------------------------------------------------------------------------------------------------------------
// Samples through the training, of one run or of several

// Where the slider can stand: of one run at each grid; of several at each share of a training at which one drew.
function places({ samples, compared }) {
  if (!compared) return samples[0].frames.map((_, index) => ({ frames: [index] }));
  const shareOf = ({ steps }, { step }) => Math.round((1000 * step) / steps) / 1000;
  const shares = samples.flatMap((run) => run.frames.map((frame) => shareOf(run, frame)));
  return [...new Set(shares)].sort((a, b) => a - b).map((share) => ({
    share,
    frames: samples.map((run) => Math.max(0, run.frames.findLastIndex((frame) => shareOf(run, frame) <= share))),
  }));
}

function player(data, onShow) {
  const runs = data.samples.map((run, order) => ({
    ...run,
    decoded: [],
    labels: [...document.querySelectorAll(`[data-step="${order}"]`)],
    canvases: [...document.querySelectorAll(`canvas[data-run="${order}"]`)],
  }));
  const all = places(data);
  const slider = document.getElementById("step");
  const play = document.getElementById("play");
  const output = document.querySelector("output[for=step]");
  let timer = null;
  let wanted = -1;

  async function decoded(run, index) {
    run.decoded[index] ??= Object.assign(new Image(), { src: run.frames[index].src });
    await run.decoded[index].decode();
    return run.decoded[index];
  }

  function paint({ images: columns, resolution, canvases, labels, frames }, image, index) {
    const cell = image.naturalWidth / columns; // older grids may be held at a smaller resolution
    for (const canvas of canvases) {
      const pitch = columns > 1 ? (canvas.width - resolution) / (columns - 1) : 0;
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = cell > resolution;
      for (let column = 0; column < columns; column++) {
        const row = Number(canvas.dataset.row);
        context.drawImage(image, column * cell, row * cell, cell, cell, column * pitch, 0, resolution, resolution);
      }
    }
    for (const label of labels) label.textContent = `step ${frames[index].step.toLocaleString("en")}`;
  }

  async function show(place) {
    wanted = place;
    const { frames, share } = all[place];
    const images = await Promise.all(runs.map((run, order) => decoded(run, frames[order])));
    if (wanted !== place) return; // the slider has moved on
    runs.forEach((run, order) => paint(run, images[order], frames[order]));
    const step = runs[0].frames[frames[0]].step;
    const [value, before, after] = data.compared
      ? [`${(100 * share).toFixed(all.length > 50 ? 1 : 0)} %`, "", " of the training"]
      : [step.toLocaleString("en"), "step ", ""];
    slider.value = place;
    slider.setAttribute("aria-valuetext", before + value + after);
    output.replaceChildren(before, Object.assign(document.createElement("b"), { textContent: value }), after);
    onShow(step);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function start() {
    play.textContent = "Pause";
    show(wanted === all.length - 1 ? 0 : wanted + 1);
    timer = setInterval(() => (wanted < all.length - 1 ? show(wanted + 1) : stop()), 400);
  }

  slider.max = all.length - 1;
  slider.disabled = play.disabled = all.length < 2;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  document.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.(".scroll, .sheet")) return; // there they scroll
    event.preventDefault(); // the slider would move too
    stop();
    show(Math.min(all.length - 1, Math.max(0, wanted + move)));
  });
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) target.classList.toggle("upscaled", target.clientWidth > target.width);
  });
  for (const canvas of runs.flatMap((run) => run.canvases)) resized.observe(canvas);
  show(all.length - 1).then(() => runs.forEach((run) => run.frames.forEach((_, index) => decoded(run, index))));
}

// ------------------------------------------------------------------------------------------------------------
// Curves

const COLOURS = 8; // --c0, --c1, … in report.css
const PAD = { left: 46, right: 10, top: 8, bottom: 22 };

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const first = Math.ceil(low / size - 1e-9);
  const last = Math.floor(high / size + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * size).toPrecision(12)));
}

// Average with weights that fall off exponentially to both sides, so that the line does not lag behind.
function smoothed(values) {
  const keep = 1 - 2 / (Math.max(1, values.length / 30) + 1);
  const sums = values.map(() => 0);
  const weights = values.map(() => 0);
  for (const order of [values.keys(), [...values.keys()].reverse()]) {
    let [sum, weight] = [0, 0];
    for (const i of order) {
      const there = values[i] !== null;
      sum = keep * sum + (there ? values[i] : 0);
      weight = keep * weight + (there ? 1 : 0);
      sums[i] += sum;
      weights[i] += weight;
    }
  }
  return values.map((value, i) => (value === null ? null : (sums[i] - value) / (weights[i] - 1)));
}

function nearest(steps, step) {
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step) low = middle;
    else high = middle;
  }
  return step - steps[low] < steps[high] - step ? low : high;
}

// `view` is shared by the panels of a stage: {full, range, hover, selection: in steps; draw(): all of them}.
function chart(panel, view, marked) {
  const root = document.createElement("div");
  root.className = "panel";
  root.innerHTML = '<h3><b></b></h3><canvas role="img"></canvas><div class="legend"></div>';
  const [heading, canvas, legend] = root.children;
  heading.firstChild.textContent = panel.title;
  const arrow = { higher: "↑", lower: "↓" }[panel.better];
  const notes = [arrow && `${arrow} ${panel.better} is better`, panel.data && `on ${panel.data}`].filter(Boolean);
  if (notes.length) heading.firstChild.appendChild(document.createElement("small")).textContent = notes.join(" · ");
  canvas.setAttribute("aria-label", `${panel.title} over training steps`);
  const readout = heading.appendChild(document.createElement("span"));
  const context = canvas.getContext("2d");
  // In a comparison each run has logged at steps of its own, and keeps its colour from panel to panel.
  const curves = panel.series.map(({ name, values, steps = panel.steps, run }, place) => {
    const index = run ?? place;
    const button = legend.appendChild(document.createElement("button"));
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    const swatch = button.appendChild(document.createElement("i"));
    button.appendChild(document.createElement("span")).textContent = name;
    const value = button.appendChild(document.createElement("b"));
    const curve = { steps, values, smooth: smoothed(values), visible: true, value };
    curve.colour = `--c${index % COLOURS}`;
    swatch.style.background = `var(${curve.colour})`;
    curve.dash = index < COLOURS ? [] : [5, 3];
    button.addEventListener("click", () => {
      curve.visible = !curve.visible;
      button.setAttribute("aria-pressed", String(curve.visible));
      draw();
    });
    return curve;
  });
  const ends = new Set(curves.map(({ steps }) => steps.at(-1)));

  // The place on a curve that is nearest to a step; -1 where the curve has not begun yet or has ended.
  function placeOn({ steps }, step) {
    const place = nearest(steps, step);
    const pace = (steps.at(-1) - steps[0]) / Math.max(1, steps.length - 1);
    return ends.size > 1 && Math.abs(steps[place] - step) > Math.max(1, pace) ? -1 : place;
  }

  const x = (step) => {
    const [from, to] = view.range;
    return PAD.left + ((step - from) / (to - from)) * (canvas.clientWidth - PAD.left - PAD.right);
  };
  const stepAt = (pixel) => {
    const [from, to] = view.range;
    const share = (pixel - PAD.left) / (canvas.clientWidth - PAD.left - PAD.right);
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  };

  // All of the smooth lines on show, and the raw values but for the farthest hundredth either way.
  function extent() {
    const raw = [];
    const smooth = [];
    for (const curve of curves.filter((c) => c.visible)) {
      curve.values.forEach((value, i) => {
        const inside = curve.steps[i] >= view.range[0] && curve.steps[i] <= view.range[1];
        if (inside && value !== null) { raw.push(value); smooth.push(curve.smooth[i]); }
      });
    }
    if (!raw.length) return [0, 1];
    raw.sort((a, b) => a - b);
    const edge = Math.floor(raw.length / 100);
    const low = smooth.reduce((a, b) => Math.min(a, b), raw[edge]);
    const high = smooth.reduce((a, b) => Math.max(a, b), raw[raw.length - 1 - edge]);
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    return [low - pad, high + pad];
  }

  function line(steps, values, y) {
    context.beginPath();
    values.forEach((value, i) => {
      if (value !== null) context.lineTo(x(steps[i]), y(value));
    });
    context.stroke();
  }

  function draw() {
    const style = getComputedStyle(root);
    const [ink, faint, accent, select] = ["--soft", "--grid", "--accent", "--select"].map((v) => style.getPropertyValue(v));
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    const bottom = height - PAD.bottom;
    const right = width - PAD.right;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    context.font = `11px ${style.fontFamily}`;
    context.fillStyle = ink;
    context.strokeStyle = faint;

    const [low, high] = extent();
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - PAD.top);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of ticks(low, high, 5)) {
      context.beginPath();
      context.moveTo(PAD.left, y(value));
      context.lineTo(right, y(value));
      context.stroke();
      context.fillText(Math.abs(value) >= 1e4 ? compact.format(value) : precise.format(value), PAD.left - 7, y(value));
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    for (const step of ticks(...view.range, Math.max(2, width / 90)).filter(Number.isInteger)) {
      context.fillText(compact.format(step), Math.min(x(step), right - 8), height - 5);
    }

    context.save();
    context.beginPath();
    context.rect(PAD.left - 4, 0, right - PAD.left + 8, bottom);
    context.clip();
    if (marked && shown.step !== null) {
      context.strokeStyle = ink;
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(x(shown.step), PAD.top);
      context.lineTo(x(shown.step), bottom);
      context.stroke();
    }
    context.lineJoin = "round";
    const at = curves.map((curve) => (view.hover === null ? curve.steps.length - 1 : placeOn(curve, view.hover)));
    const near = curves.map(({ steps }, i) => steps[Math.max(0, at[i])]);
    const hovered = near.reduce((a, b) => (Math.abs(b - view.hover) < Math.abs(a - view.hover) ? b : a));
    for (const [place, { steps, values, smooth, visible, colour, dash }] of curves.entries()) {
      if (!visible) continue;
      const dots = steps.length <= 40;
      context.strokeStyle = context.fillStyle = style.getPropertyValue(colour);
      context.setLineDash([]);
      context.lineWidth = 1;
      context.globalAlpha = 0.22;
      if (!dots) line(steps, values, y);
      context.globalAlpha = 1;
      context.lineWidth = 1.75;
      context.setLineDash(dash);
      line(steps, smooth, y);
      smooth.forEach((value, i) => {
        const pointed = i === at[place] && view.hover !== null;
        if (value === null || !(dots || pointed)) return;
        context.beginPath();
        context.arc(x(steps[i]), y(value), pointed ? 4 : 2.5, 0, 2 * Math.PI);
        context.fill();
      });
    }
    context.setLineDash([]);
    if (view.selection) {
      const [from, to] = view.selection.map(x);
      context.fillStyle = select;
      context.fillRect(from, 0, to - from, bottom);
    } else if (view.hover !== null) {
      context.strokeStyle = accent;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x(hovered), PAD.top);
      context.lineTo(x(hovered), bottom);
      context.stroke();
    }
    context.restore();

    readout.textContent =
      view.hover === null && ends.size > 1 ? "newest" : `step ${hovered.toLocaleString("en")}`;
    curves.forEach(({ values, value }, i) => {
      const here = values[at[i]] ?? null;
      value.textContent = here === null ? "–" : precise.format(here);
    });
  }

  const place = (event) => stepAt(event.clientX - canvas.getBoundingClientRect().left);
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    view.selection = [place(event), place(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    view.hover = place(event);
    if (view.selection) view.selection[1] = view.hover;
    view.draw();
  });
  canvas.addEventListener("pointerup", () => {
    const range = [...(view.selection ?? [0, 0])].sort((a, b) => a - b);
    view.selection = null;
    if (x(range[1]) - x(range[0]) > 6) view.range = range;
    view.draw();
  });
  for (const end of ["pointerleave", "pointercancel"]) {
    canvas.addEventListener(end, () => { view.hover = view.selection = null; view.draw(); });
  }
  canvas.addEventListener("dblclick", () => { view.range = view.full; view.draw(); });
  return { root, draw };
}

function stage(panels, root, marked) {
  const lines = panels.flatMap((panel) => panel.series.map(({ steps }) => steps ?? panel.steps));
  const all = lines.flatMap((steps) => [steps[0], steps.at(-1)]);
  const [first, last] = [Math.min(...all), Math.max(...all)];
  const full = first < last ? [first, last] : [first - 1, last + 1];
  const view = { full, range: full, hover: null, selection: null };
  const charts = panels.map((panel) => chart(panel, view, marked));
  view.draw = () => charts.forEach(({ draw }) => draw());
  root.append(...charts.map((one) => one.root));
  new ResizeObserver(view.draw).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", view.draw);
  return view;
}

const last = data.stages.length - 1; // the samples belong to it
const views = data.stages.map((panels, index) => {
  const root = document.querySelector(`[data-stage="${index}"]`);
  return root && stage(panels, root, index === last && !data.compared);
});
if (data.samples.length) {
  player(data, (step) => {
    shown.step = step;
    views[last]?.draw();
  });
}
