"use strict";

// Pixels along the longer side of what is drawn on; the server brings it to the model's size.
const SIDE = 512;
const MOST_UNDONE = 50;

const at = (id) => document.getElementById(id);
const canvas = at("canvas");
const pen = canvas.getContext("2d", { willReadFrequently: true });
const done = [];
const undone = [];
let about = null;
let erasing = false;
let last = null; // Where the brush was, while it is down.
let seed = 0;
let busy = false;
let waiting = false;
let shownUrl = null;

function say(text, wrong = false) {
  at("state").textContent = text;
  at("state").classList.toggle("wrong", wrong);
}

// One picture is on its way at most; what was drawn meanwhile goes next.
async function translate() {
  if (busy) {
    waiting = true;
    return;
  }
  busy = true;
  do {
    waiting = false;
    await translateOnce();
  } while (waiting);
  busy = false;
}

async function translateOnce() {
  try {
    const body = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const start = performance.now();
    const answer = await fetch(`/translate?seed=${seed}`, {
      method: "POST",
      headers: { "Content-Type": "image/png" },
      body,
    });
    if (!answer.ok) {
      say(await answer.text(), true);
      return;
    }
    const url = URL.createObjectURL(await answer.blob());
    at("made").src = url;
    await at("made").decode().catch(() => {});
    if (shownUrl) URL.revokeObjectURL(shownUrl);
    shownUrl = url;
    say(`What the model makes of it, in ${Math.round(performance.now() - start)} ms`);
  } catch {
    say("The server does not answer: is rlgen paint still running?", true);
  }
}

function keep() {
  done.push(pen.getImageData(0, 0, canvas.width, canvas.height));
  if (done.length > MOST_UNDONE) done.shift();
  undone.length = 0;
  showSteps();
}

function step(from, to) {
  if (!from.length || last) return;
  to.push(pen.getImageData(0, 0, canvas.width, canvas.height));
  pen.putImageData(from.pop(), 0, 0);
  showSteps();
  translate();
}

function showSteps() {
  at("undo").disabled = !done.length;
  at("redo").disabled = !undone.length;
}

function blank() {
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) * canvas.width) / box.width,
    y: ((event.clientY - box.top) * canvas.height) / box.height,
  };
}

function line(from, to) {
  pen.strokeStyle = erasing ? "#ffffff" : about.colour ? at("colour").value : "#000000";
  pen.lineWidth = Number(at("size").value);
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  // A point has no length, and would not be seen.
  pen.lineTo(to.x + (from === to ? 0.01 : 0), to.y);
  pen.stroke();
}

function showRing(event) {
  const box = canvas.getBoundingClientRect();
  const ring = at("ring");
  const size = (Number(at("size").value) * box.width) / canvas.width;
  ring.style.display = "block";
  ring.style.width = ring.style.height = `${size}px`;
  ring.style.left = `${event.clientX - box.left}px`;
  ring.style.top = `${event.clientY - box.top}px`;
}

function choose(eraser) {
  erasing = eraser;
  at("brush").setAttribute("aria-pressed", String(!eraser));
  at("eraser").setAttribute("aria-pressed", String(eraser));
}

// Of a picture the largest part in the middle that has the sheet's proportions.
function put(picture) {
  keep();
  blank();
  const scale = Math.max(canvas.width / picture.width, canvas.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  translate();
}

async function open(file) {
  try {
    put(await createImageBitmap(file));
  } catch {
    say(`${file.name || "This"} cannot be read as a picture.`, true);
  }
}

function save() {
  if (!shownUrl) return;
  const link = document.createElement("a");
  link.href = shownUrl;
  link.download = "painted.png";
  link.click();
}

function listen() {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || last) return;
    canvas.setPointerCapture(event.pointerId);
    keep();
    last = place(event);
    line(last, last);
    translate();
  });
  canvas.addEventListener("pointermove", (event) => {
    showRing(event);
    if (!last) return;
    // A browser gathers what a fast hand draws between two pictures of the screen.
    const gathered = event.getCoalescedEvents?.() ?? [];
    for (const each of gathered.length ? gathered : [event]) {
      const next = place(each);
      line(last, next);
      last = next;
    }
    translate();
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(name, () => {
      last = null;
    });
  }
  canvas.addEventListener("pointerleave", () => {
    at("ring").style.display = "none";
  });
  at("brush").addEventListener("click", () => choose(false));
  at("eraser").addEventListener("click", () => choose(true));
  at("size").addEventListener("input", () => {
    at("size-shown").value = at("size").value;
  });
  at("undo").addEventListener("click", () => step(done, undone));
  at("redo").addEventListener("click", () => step(undone, done));
  at("clear").addEventListener("click", () => {
    keep();
    blank();
    translate();
  });
  at("again").addEventListener("click", () => {
    seed += 1;
    translate();
  });
  at("save").addEventListener("click", save);
  at("load").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    if (at("file").files.length) open(at("file").files[0]);
    at("file").value = "";
  });
  const sheet = canvas.parentElement;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    sheet.classList.add("over");
  });
  document.addEventListener("dragleave", () => sheet.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    sheet.classList.remove("over");
    if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      event.preventDefault();
      event.shiftKey ? step(undone, done) : step(done, undone);
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && (key === "b" || key === "e")) {
      choose(key === "e");
    }
  });
}

function showExamples(count) {
  at("examples").hidden = !count;
  for (let i = 0; i < count; i += 1) {
    const button = document.createElement("button");
    const picture = document.createElement("img");
    picture.src = `/examples/${i}.png`;
    picture.alt = `Example ${i + 1}`;
    button.type = "button";
    button.append(picture);
    button.addEventListener("click", () => put(picture));
    at("strip").append(button);
  }
}

async function start() {
  about = await (await fetch("/about.json")).json();
  at("title").textContent = `${about.title}, ${about.width} × ${about.height} pixels`;
  const scale = SIDE / Math.max(about.width, about.height);
  canvas.width = Math.round(about.width * scale);
  canvas.height = Math.round(about.height * scale);
  document.documentElement.style.setProperty("--proportions", `${about.width} / ${about.height}`);
  at("colour-label").hidden = !about.colour;
  at("again").hidden = !about.by_chance;
  blank();
  listen();
  showExamples(about.examples);
  translate();
}

start();
