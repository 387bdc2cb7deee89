"use strict";

// Numbers of a curve, read when somebody first points at it.
const read = new WeakMap();

function points(path) {
  if (!read.has(path)) {
    const numbers = (text) => text.split(" ").map(Number);
    read.set(path, { steps: numbers(path.dataset.steps), values: path.dataset.values.split(" ") });
  }
  return read.get(path);
}

// Of steps in order the place of the one that is nearest.
function nearest(steps, wanted) {
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= wanted) low = middle;
    else high = middle;
  }
  return wanted - steps[low] <= steps[high] - wanted ? low : high;
}

function show(plot, event) {
  const box = plot.querySelector("svg").getBoundingClientRect();
  const first = Number(plot.dataset.first);
  const last = Number(plot.dataset.last);
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const paths = [...plot.querySelectorAll("path[data-steps]")].reverse();
  const { steps } = points(paths[0]);
  const step = steps[nearest(steps, first + share * (last - first))];
  const lines = paths.map((path) => {
    const found = points(path);
    const place = nearest(found.steps, step);
    const at = found.steps[place] === step ? "" : ` (at ${found.steps[place].toLocaleString("en")})`;
    const value = Number(found.values[place]).toLocaleString("en", { maximumSignificantDigits: 6 });
    return paths.length === 1 ? value : `${path.dataset.label}: ${value}${at}`;
  });
  const place = (step - first) / (last - first);
  const guide = plot.querySelector(".guide");
  guide.setAttribute("x1", `${place * 100}%`);
  guide.setAttribute("x2", `${place * 100}%`);
  guide.setAttribute("visibility", "visible");
  const value = plot.querySelector(".value");
  value.textContent = [`step ${step.toLocaleString("en")}`, ...lines].join("\n");
  value.hidden = false;
  // On the side where there is more room.
  const left = box.left - plot.getBoundingClientRect().left + place * box.width;
  value.style.left = place < 0.5 ? `${left + 10}px` : "auto";
  value.style.right = place < 0.5 ? "auto" : `${plot.clientWidth - left + 10}px`;
}

for (const plot of document.querySelectorAll(".plot")) {
  plot.addEventListener("pointermove", (event) => show(plot, event));
  plot.addEventListener("pointerdown", (event) => show(plot, event));
  plot.addEventListener("pointerleave", () => {
    plot.querySelector(".value").hidden = true;
    plot.querySelector(".guide").setAttribute("visibility", "hidden");
  });
}

const root = document.documentElement;
const button = document.getElementById("theme");
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const name = () => {
  button.textContent = dark() ? "Light" : "Dark";
};
button.hidden = false;
button.addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  name();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
name();

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
