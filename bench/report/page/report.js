"use strict";

// Light and dark

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

// Tables

const valueOf = (row, column) => {
  const cell = row.cells[Math.min(column, row.cells.length - 1)];
  const text = cell.dataset.value ?? cell.textContent.trim();
  return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
};

// Unknown values are last in either order.
const compare = (a, b, direction) => {
  if (a === "nan" || b === "nan") return (a === "nan") - (b === "nan");
  if (typeof a === "number" && typeof b === "number") return direction * (a - b);
  return direction * String(a).localeCompare(String(b));
};

const sort = (header) => {
  const table = header.closest("table");
  const column = header.cellIndex;
  const before = header.getAttribute("aria-sort");
  // Numbers begin with the highest, texts with the first.
  const first = header.classList.contains("number") ? "descending" : "ascending";
  const order = before === "none" ? first : before === "ascending" ? "descending" : "ascending";
  for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", order);
  const direction = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), direction));
  table.tBodies[0].append(...rows);
};

for (const button of document.querySelectorAll(".sortable thead button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}

for (const field of document.querySelectorAll(".filter")) {
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/[\s,]+/);
    for (const row of field.closest("details").querySelectorAll("tbody tr")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

// Images

const scale = JSON.parse(document.getElementById("errors").textContent);
const colours = scale.colours.map((hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16)));

const pixelsOf = (image) => {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
};

const errorMap = (image, clean) => {
  const ours = pixelsOf(image);
  const theirs = pixelsOf(clean).data;
  for (let i = 0; i < theirs.length; i += 4) {
    const sum = [0, 1, 2].reduce((total, c) => total + Math.abs(ours.data[i + c] - theirs[i + c]), 0);
    const place = Math.min(1, sum / 3 / 255 / scale.peak);
    ours.data.set(colours[Math.round(place * (colours.length - 1))], i);
  }
  const canvas = document.createElement("canvas");
  canvas.width = ours.width;
  canvas.height = ours.height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${image.alt}: magnitude of its error`);
  canvas.getContext("2d").putImageData(ours, 0, 0);
  return canvas;
};

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class Viewer {
  constructor(root) {
    this.root = root;
    this.zoom = 1;
    this.x = 0; // of the images' upper left corner, in percent of a pane
    this.y = 0;
    this.images = [...root.querySelectorAll(".tiles img")];
    this.slider = root.querySelector(".zoom");
    this.compared = root.querySelector(".compare");
    this.slider.addEventListener("input", () => this.zoomTo(Number(this.slider.value)));
    root.querySelector(".reset").addEventListener("click", () => this.zoomTo(1));
    root.querySelector(".errors").addEventListener("change", (event) => this.showErrors(event.target.checked));
    for (const side of ["left", "right", "share"]) {
      root.querySelector(`.${side}`).addEventListener("input", () => this.split());
    }
    for (const pane of root.querySelectorAll(".pane")) this.listen(pane);
    this.split();
  }

  listen(pane) {
    pane.addEventListener("keydown", (event) => this.press(event));
    pane.addEventListener("wheel", (event) => {
      // Without the key, the page scrolls.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = pane.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), ...at.map((share) => 100 * share));
    }, { passive: false });
    pane.addEventListener("dblclick", () => this.zoomTo(this.zoom > 1 ? 1 : 4));
    pane.addEventListener("pointerdown", (event) => {
      if (this.zoom === 1 && pane.closest(".compare")) {
        this.drag(pane, event, (move, box) => this.shareTo((100 * (move.clientX - box.left)) / box.width));
      } else {
        const [x, y] = [this.x, this.y];
        this.drag(pane, event, (move, box) => this.moveTo(
          x + (100 * (move.clientX - event.clientX)) / box.width,
          y + (100 * (move.clientY - event.clientY)) / box.height,
        ));
      }
    });
    pane.addEventListener("dragstart", (event) => event.preventDefault());
  }

  drag(pane, start, follow) {
    pane.setPointerCapture(start.pointerId);
    const box = pane.getBoundingClientRect();
    const move = (event) => follow(event, box);
    pane.addEventListener("pointermove", move);
    const end = () => pane.removeEventListener("pointermove", move);
    pane.addEventListener("pointerup", end, { once: true });
    pane.addEventListener("pointercancel", end, { once: true });
  }

  press(event) {
    const steps = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, 10], ArrowDown: [0, -10] };
    if (event.key in steps) {
      const [x, y] = steps[event.key];
      this.moveTo(this.x + x, this.y + y);
    } else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * 1.5);
    else if (event.key === "-") this.zoomTo(this.zoom / 1.5);
    else if (event.key === "0") this.zoomTo(1);
    else return;
    event.preventDefault();
  }

  // The point at (x, y), in percent of a pane, stays where it is.
  zoomTo(zoom, x = 50, y = 50) {
    const next = clamp(zoom, Number(this.slider.min), Number(this.slider.max));
    const growth = next / this.zoom;
    this.zoom = next;
    this.moveTo(x - growth * (x - this.x), y - growth * (y - this.y));
  }

  moveTo(x, y) {
    const beyond = 100 * (1 - this.zoom);
    this.x = clamp(x, beyond, 0);
    this.y = clamp(y, beyond, 0);
    for (const [name, value] of Object.entries({ zoom: this.zoom, x: this.x, y: this.y })) {
      this.root.style.setProperty(`--${name}`, value);
    }
    this.slider.value = this.zoom;
    this.root.classList.toggle("zoomed", this.zoom > 1);
    this.clip();
  }

  shareTo(share) {
    this.root.querySelector(".share").value = share;
    this.split();
  }

  split() {
    const chosen = (side) => this.images[Number(this.root.querySelector(`.${side}`).value)];
    const [under, over] = [this.compared.querySelector(".under"), this.compared.querySelector(".over")];
    for (const [image, source] of [[under, chosen("right")], [over, chosen("left")]]) {
      if (image.src !== source.src) image.src = source.src;
      image.alt = source.alt;
    }
    this.clip();
  }

  // The clip is in the coordinates of the zoomed image, the share in those of the pane.
  clip() {
    const share = Number(this.root.querySelector(".share").value);
    this.root.style.setProperty("--share", share);
    const cut = 100 - (share - this.x) / this.zoom;
    this.root.style.setProperty("--clip", `inset(0 ${cut}% 0 0)`);
  }

  async showErrors(wanted) {
    this.root.querySelector(".scale").hidden = !wanted;
    const [clean, ...others] = this.images;
    await Promise.all(this.images.map((image) => image.decode()));
    for (const image of others) {
      image.parentElement.querySelector("canvas")?.remove();
      if (wanted) image.after(errorMap(image, clean));
    }
  }
}

// Viewers are made when their images are opened.
const open = (image) => {
  if (image.open && !image.viewer) image.viewer = new Viewer(image.querySelector(".viewer"));
};
for (const image of document.querySelectorAll(".image")) {
  open(image);
  image.addEventListener("toggle", () => open(image));
}

addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
});
