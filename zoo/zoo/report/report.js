"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const shown = { step: null }; // the training step of the samples on show, marked in the curves of the same stage

// ------------------------------------------------------------------------------------------------------------
// Samples through the training

function player({ frames, grid }, onShow) {
  const { images: columns, side } = grid;
  const slider = document.getElementById("step");
  const play = document.getElementById("play");
  const output = document.querySelector("output[for=step]");
  const canvases = [...document.querySelectorAll(".row canvas")];
  const pictures = [];
  let timer = null;
  let wanted = -1;

  async function decoded(index) {
    pictures[index] ??= Object.assign(new Image(), { src: frames[index].src });
    await pictures[index].decode();
    return pictures[index];
  }

  async function show(index) {
    wanted = index;
    const picture = await decoded(index);
    if (wanted !== index) return; // the slider has moved on
    const cell = picture.naturalWidth / columns; // older grids may be held at a smaller side
    const pitch = columns > 1 ? (canvases[0].width - side) / (columns - 1) : 0;
    canvases.forEach((canvas, row) => {
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = cell > side;
      for (let column = 0; column < columns; column++) {
        context.drawImage(picture, column * cell, row * cell, cell, cell, column * pitch, 0, side, side);
      }
    });
    const step = frames[index].step;
    slider.value = index;
    slider.setAttribute("aria-valuetext", `step ${step}`);
    output.innerHTML = `step <b>${step.toLocaleString("en")}</b>`;
    onShow(step);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function start() {
    play.textContent = "Pause";
    show(wanted === frames.length - 1 ? 0 : wanted + 1);
    timer = setInterval(() => (wanted < frames.length - 1 ? show(wanted + 1) : stop()), 400);
  }

  slider.max = frames.length - 1;
  slider.disabled = play.disabled = frames.length < 2;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  document.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the slider would move too
    stop();
    show(Math.min(frames.length - 1, Math.max(0, wanted + move)));
  });
  new ResizeObserver(() => {
    for (const canvas of canvases) canvas.classList.toggle("upscaled", canvas.clientWidth > canvas.width);
  }).observe(canvases[0]);
  show(frames.length - 1).then(() => frames.forEach((_, index) => decoded(index)));
}

// ------------------------------------------------------------------------------------------------------------
// Curves

const COLOURS = ["#3b78d8", "#e0752d", "#2f9e63", "#c94f7c", "#8a63d2", "#a8842c", "#1a9aa8", "#8b8b95"];
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
  root.innerHTML = '<h3></h3><canvas role="img"></canvas><div class="legend"></div>';
  const [heading, canvas, legend] = root.children;
  heading.textContent = panel.title;
  canvas.setAttribute("aria-label", `${panel.title} over training steps`);
  const readout = heading.appendChild(document.createElement("span"));
  const context = canvas.getContext("2d");
  const { steps } = panel;
  const curves = panel.series.map(({ name, values }, index) => {
    const button = legend.appendChild(document.createElement("button"));
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    const swatch = button.appendChild(document.createElement("i"));
    button.appendChild(document.createElement("span")).textContent = name;
    const value = button.appendChild(document.createElement("b"));
    const curve = { values, smooth: smoothed(values), visible: true, value };
    curve.colour = swatch.style.background = COLOURS[index % COLOURS.length];
    curve.dash = index < COLOURS.length ? [] : [5, 3];
    button.addEventListener("click", () => {
      curve.visible = !curve.visible;
      button.setAttribute("aria-pressed", String(curve.visible));
      draw();
    });
    return curve;
  });

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
    const inside = steps.map((step) => step >= view.range[0] && step <= view.range[1]);
    const raw = [];
    const smooth = [];
    for (const curve of curves.filter((c) => c.visible)) {
      curve.values.forEach((value, i) => {
        if (inside[i] && value !== null) { raw.push(value); smooth.push(curve.smooth[i]); }
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

  function line(values, y) {
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
    const dots = steps.length <= 40;
    const hovered = view.hover === null ? steps.length - 1 : nearest(steps, view.hover);
    for (const { values, smooth, visible, colour, dash } of curves) {
      if (!visible) continue;
      context.strokeStyle = context.fillStyle = colour;
      context.setLineDash([]);
      context.lineWidth = 1;
      context.globalAlpha = 0.22;
      if (!dots) line(values, y);
      context.globalAlpha = 1;
      context.lineWidth = 1.75;
      context.setLineDash(dash);
      line(smooth, y);
      smooth.forEach((value, i) => {
        if (value === null || !(dots || (i === hovered && view.hover !== null))) return;
        context.beginPath();
        context.arc(x(steps[i]), y(value), i === hovered && view.hover !== null ? 4 : 2.5, 0, 2 * Math.PI);
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
      context.moveTo(x(steps[hovered]), PAD.top);
      context.lineTo(x(steps[hovered]), bottom);
      context.stroke();
    }
    context.restore();

    readout.textContent = `step ${steps[hovered].toLocaleString("en")}`;
    for (const { values, value } of curves) {
      const here = values[hovered];
      value.textContent = here === null ? "–" : precise.format(here);
    }
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
  const all = panels.flatMap((panel) => [panel.steps[0], panel.steps.at(-1)]);
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
  return root && stage(panels, root, index === last);
});
if (data.grid) {
  player(data, (step) => {
    shown.step = step;
    views[last]?.draw();
  });
}
