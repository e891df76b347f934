"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The looks of a report: style, and the script that turns point clouds and copies commands.

The page is one file without a link to anything: it works from a disk without a network.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #1d2430; --soft: #5b6675;
  --line: #dfe3e8; --strong: #1667c7; --second: #c2571a; --mark: #e8f1fc; --bar: #9dc3ee;
  --well: #eef0f3; }
@media (prefers-color-scheme: dark) { :root { --page: #12151a; --card: #1b2027; --text: #e6e9ee;
  --soft: #9aa5b4; --line: #2e3640; --strong: #6fb1ff; --second: #f2a36b; --mark: #1e3350;
  --bar: #35679f; --well: #0d1014; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 36px; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.2rem; margin: 0 0 4px; scroll-margin-top: 12px; }
h2.part { font-size: 1.4rem; margin: 40px 0 0; }
h3 { font-size: .95rem; margin: 22px 0 8px; font-weight: 600; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 75ch; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: .92rem; }
nav { display: flex; flex-wrap: wrap; gap: 8px; margin: 16px 0 4px; }
nav a { color: var(--strong); background: var(--card); border: 1px solid var(--line);
  border-radius: 99px; padding: 3px 12px; font-size: .88rem; text-decoration: none; }
nav a:hover, nav a:focus-visible { border-color: var(--strong); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 20px; margin: 18px 0; min-width: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  min-width: min(100%, 520px); }
th, td { padding: 6px 14px; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; font-size: .88rem; }
td.best { font-weight: 700; color: var(--strong); }
.way { color: var(--soft); font-weight: 400; font-size: .85em; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(var(--tiles), minmax(0, 1fr)); }
.tiles.wide { grid-template-columns: repeat(2, minmax(0, 1fr)); }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; height: auto; border-radius: 6px;
  background: var(--well); }
figure.drawing { max-width: 640px; }
img.small { image-rendering: pixelated; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: 4px; }
.legend { display: flex; align-items: center; gap: 10px; color: var(--soft); font-size: .82rem;
  margin-top: 8px; font-variant-numeric: tabular-nums; }
.legend i { flex: 1; max-width: 320px; height: 8px; border-radius: 4px; background: linear-gradient(
  90deg, #000004, #280b54, #65156e, #9f2a63, #d44842, #f57d15, #fac127, #fcffa4); }
.charts { display: grid; gap: 18px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); }
svg { display: block; width: 100%; max-width: 560px; height: auto;
  font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
svg .axis { stroke: var(--line); fill: none; }
svg .bar { fill: var(--bar); } svg .bar:hover { fill: var(--strong); }
svg .line { fill: none; stroke: var(--strong); stroke-width: 1.6; stroke-linejoin: round; }
svg .raw { stroke-width: 1; opacity: .35; }
svg .second { stroke: var(--second); } svg .mean { stroke: var(--second); stroke-dasharray: 5 4; }
svg text.mean { fill: var(--second); } svg text.line { fill: var(--strong); }
svg text.mean, svg text.line { stroke: var(--card); stroke-dasharray: none; }
canvas.cloud { display: block; width: 100%; height: min(70vh, 520px); background: var(--well);
  border-radius: 8px; cursor: grab; touch-action: pan-y; outline-offset: 2px; }
canvas.cloud:active { cursor: grabbing; }
.step { display: flex; align-items: center; gap: 12px; margin: 14px 0 4px; font-size: .92rem; }
.step b { font-weight: 600; } .step span { color: var(--soft); } .step button { margin-left: auto; }
button { font: inherit; font-size: .82rem; color: var(--strong); background: none; cursor: pointer;
  border: 1px solid var(--line); border-radius: 6px; padding: 2px 10px; }
pre { margin: 0; padding: 10px 12px; background: var(--well); border-radius: 8px; font-size: .82rem;
  line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; }
main { padding-bottom: 32px; }
@media (max-width: 600px) { header, main { padding-left: 12px; padding-right: 12px; }
  section { padding: 14px; } table { font-size: .85rem; }
  th, td { padding: 5px 5px; } thead th { white-space: normal; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; } }
"""

SCRIPT = """
"use strict";
const nav = document.querySelector("nav");
document.querySelectorAll("h2").forEach((heading, number) => {
  heading.id = "part" + number;
  const link = document.createElement("a");
  link.href = "#" + heading.id;
  link.textContent = heading.textContent;
  nav.append(link);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const code = button.closest(".step").nextElementSibling;
  try { await navigator.clipboard.writeText(code.textContent); button.textContent = "copied"; }
  catch { getSelection().selectAllChildren(code); button.textContent = "press Ctrl+C"; }
  setTimeout(() => { button.textContent = "copy"; }, 2000);
});

const turns = { ArrowLeft: [-0.08, 0], ArrowRight: [0.08, 0] };
Object.assign(turns, { ArrowUp: [0, -0.08], ArrowDown: [0, 0.08] });
const zooms = { "+": 1.15, "-": 1 / 1.15 }, swing = 0.45;  // radians to either side
const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

class Cloud {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.points = new Int16Array(bytesOf(canvas.dataset.points).buffer);
    this.colors = bytesOf(canvas.dataset.colors);
    this.unit = Number(canvas.dataset.unit);
    this.pointers = new Map();
    this.reset();
    this.frame();
    this.turning = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.visible = false;
    this.listen();
  }
  reset() { this.yaw = -0.35; this.pitch = 0.2; this.zoom = 1; }
  listen() {
    const canvas = this.canvas, pointers = this.pointers;
    canvas.addEventListener("pointerdown", (event) => {
      this.turning = false;
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
    });
    canvas.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const before = this.spread();
      pointers.set(event.pointerId, event);
      const x = event.clientX - last.clientX, y = event.clientY - last.clientY;
      if (pointers.size > 1) this.scale(this.spread() / before);
      else this.turn(x * 0.008, y * 0.008);
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.turning = false;
      this.scale(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => { this.reset(); this.draw(); });
    canvas.addEventListener("keydown", (event) => {
      const turn = turns[event.key], zoom = zooms[event.key];
      if (!turn && !zoom) return;
      event.preventDefault();
      this.turning = false;
      if (turn) this.turn(...turn);
      else this.scale(zoom);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    new IntersectionObserver((entries) => {
      this.visible = entries[0].isIntersecting;
      if (this.visible && this.turning) requestAnimationFrame((now) => this.swing(now));
    }).observe(canvas);
  }
  spread() {
    const [a, b] = this.pointers.values();
    return b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1 : 1;
  }
  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + pitch));
    this.draw();
  }
  scale(factor) { this.zoom = Math.max(0.3, Math.min(8, this.zoom * factor)); this.draw(); }
  // To and fro, not round: behind what a single camera saw there is nothing.
  swing(now) {
    if (!this.turning || !this.visible) return;
    this.yaw = -swing * Math.cos(now / 3500);
    this.draw();
    requestAnimationFrame((next) => this.swing(next));
  }
  project(yaw, pitch) {
    const { points, unit } = this, count = points.length / 3;
    const [across, down, depth] = [0, 1, 2].map(() => new Float32Array(count));
    const cy = Math.cos(yaw), sy = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch);
    for (let i = 0; i < count; i++) {
      const x = points[3 * i] * unit, y = points[3 * i + 1] * unit, z = points[3 * i + 2] * unit;
      const ahead = cy * z - sy * x;
      depth[i] = 2.6 + cp * ahead - sp * y;
      across[i] = (cy * x + sy * z) / depth[i];
      down[i] = (cp * y + sp * ahead) / depth[i];
    }
    return [across, down, depth];
  }
  // What all but the outermost points cover as they swing: the middle, and its width and height.
  frame() {
    const seen = [-swing, 0, swing].map((yaw) => this.project(yaw, this.pitch));
    [this.middle, this.extent] = [[], []];
    for (const axis of [0, 1]) {
      const places = seen.flatMap((one) => [...one[axis].filter((_, i) => one[2][i] >= 0.1)]);
      const sorted = Float32Array.from(places).sort(), cut = Math.floor(sorted.length / 100);
      const low = sorted[cut], high = sorted[sorted.length - 1 - cut];
      this.middle.push((low + high) / 2);
      this.extent.push(Math.max(high - low, 0.1));
    }
  }
  draw() {
    const ratio = Math.min(devicePixelRatio || 1, 2), canvas = this.canvas;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer), { colors } = this;
    const nearest = new Float32Array(width * height).fill(Infinity);
    const [across, down, depths] = this.project(this.yaw, this.pitch);
    const focal = 0.95 * this.zoom * Math.min(width / this.extent[0], height / this.extent[1]);
    for (let i = 0; i < depths.length; i++) {
      const depth = depths[i];
      if (depth < 0.1) continue;
      const size = Math.max(1, Math.min(14, Math.round(0.023 * focal / depth)));
      const left = Math.round(width / 2 + focal * (across[i] - this.middle[0]) - size / 2);
      const top = Math.round(height / 2 + focal * (down[i] - this.middle[1]) - size / 2);
      const [red, green, blue] = colors.subarray(3 * i, 3 * i + 3);
      const color = 0xff000000 | blue << 16 | green << 8 | red;
      const right = Math.min(width, left + size), bottom = Math.min(height, top + size);
      for (let v = Math.max(0, top); v < bottom; v++)
        for (let u = Math.max(0, left), at = v * width + u; u < right; u++, at++)
          if (depth < nearest[at]) { nearest[at] = depth; pixels[at] = color; }
    }
    this.context.putImageData(image, 0, 0);
  }
}
document.querySelectorAll("canvas.cloud").forEach((canvas) => new Cloud(canvas));
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><p>{introduction}</p><nav aria-label="Parts of this page"></nav></header>
<main>
{sections}</main>
<script>{script}</script>
</body>
</html>
"""
