// A field to draw a digit in, which is then centred as the digits of MNIST are.
(() => {
  const imgseq = window.imgseq;
  const { SIDE, element, button } = imgseq;
  const SIZE = 280;
  // In pixels of the small image: MNIST's digits fill a box of 20, with strokes of about 2.5.
  const BOX = 20;
  const PEN = 2.5;
  const DETAIL = 8;

  // Draws strokes, each a list of points in pixels of the small image.
  function trace(context, strokes, scale) {
    context.lineWidth = PEN * scale;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      // A dot is a very short line.
      context.moveTo(stroke[0][0] * scale - 0.01, stroke[0][1] * scale);
      for (const [x, y] of stroke) {
        context.lineTo(x * scale, y * scale);
      }
      context.stroke();
    }
  }

  // The 784 greys of a small image of strokes.
  function pixelsOf(strokes) {
    const side = SIDE * DETAIL;
    const canvas = element("canvas", { width: side, height: side });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    trace(context, strokes, DETAIL);
    const large = context.getImageData(0, 0, side, side).data;
    const pixels = new Float64Array(SIDE * SIDE);
    for (let i = 0; i < side * side; i++) {
      const row = Math.floor(i / side / DETAIL);
      const column = Math.floor((i % side) / DETAIL);
      pixels[row * SIDE + column] += large[4 * i + 3] / DETAIL ** 2;
    }
    return pixels;
  }

  // As the makers of MNIST did: the digit fills a box of 20 pixels, its centre of mass in the middle.
  imgseq.centred = (strokes) => {
    const points = strokes.flat();
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const extent = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1e-6);
    // A dot stays a dot.
    const scale = Math.min((BOX - PEN) / extent, 2.5);
    const placed = (dx, dy) =>
      strokes.map((stroke) =>
        stroke.map(([x, y]) => [(x - left) * scale + 4 + dx, (y - top) * scale + 4 + dy]),
      );
    const before = pixelsOf(placed(0, 0));
    let [mass, sumX, sumY] = [0, 0, 0];
    before.forEach((pixel, i) => {
      mass += pixel;
      sumX += pixel * ((i % SIDE) + 0.5);
      sumY += pixel * (Math.floor(i / SIDE) + 0.5);
    });
    return pixelsOf(placed(SIDE / 2 - sumX / mass, SIDE / 2 - sumY / mass));
  };

  imgseq.buildDrawing = (place, reader) => {
    let strokes = [];
    // The pointer that draws, by its number.
    let drawnBy = null;
    // Where the pen of the keyboard is, in pixels of the small image.
    let pen = [SIDE / 2, SIDE / 4];
    let isPenDown = false;
    const canvas = element("canvas", {
      width: SIZE,
      height: SIZE,
      tabindex: 0,
      role: "application",
      class: "digit-paper",
      "aria-label":
        "Paper to draw a digit on. Arrow keys move the pen, the space bar puts it down and lifts it.",
    });
    imgseq.panel(place, "Drawing");
    const answer = element("p", { class: "digit-verdict", role: "status" });
    const context = canvas.getContext("2d");

    function redraw() {
      context.fillStyle = "#000";
      context.fillRect(0, 0, SIZE, SIZE);
      context.strokeStyle = "#fff";
      trace(context, strokes, SIZE / SIDE);
      if (canvas.matches(":focus-visible")) {
        context.beginPath();
        context.arc((pen[0] * SIZE) / SIDE, (pen[1] * SIZE) / SIDE, 6, 0, 2 * Math.PI);
        context.strokeStyle = "#f0b429";
        context.lineWidth = 3;
        context.stroke();
      }
    }

    function pointOf(event) {
      const box = canvas.getBoundingClientRect();
      return [
        ((event.clientX - box.left) * SIDE) / box.width,
        ((event.clientY - box.top) * SIDE) / box.height,
      ];
    }

    function extend(point) {
      strokes[strokes.length - 1].push(point);
      redraw();
    }

    function readIt(isWatched = false) {
      if (!strokes.length && !reader.drawing()) {
        answer.textContent = "Draw a digit first.";
        return;
      }
      const pixels = strokes.length ? imgseq.centred(strokes) : reader.drawing();
      reader.showDrawing(pixels, { isWatched });
    }

    function sayBelief() {
      if (!reader.drawing()) {
        answer.textContent = "";
        return;
      }
      const belief = reader.belief();
      const best = imgseq.bestOf(belief);
      const says = `it reads a ${best} (${imgseq.percent(belief[best])}).`;
      const words = [...reader.changes(), says].join(", ");
      answer.textContent = words[0].toUpperCase() + words.slice(1);
    }

    function clear() {
      strokes = [];
      isPenDown = false;
      reader.removeDrawing();
      answer.textContent = "";
      redraw();
    }

    // The drawing of a link, whose strokes are not known.
    function restore() {
      const small = element("canvas", { width: SIDE, height: SIDE });
      imgseq.paint(small, (i) => Array(3).fill(reader.drawing()[i]));
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, SIZE, SIZE);
      sayBelief();
    }

    canvas.addEventListener("pointerdown", (event) => {
      if (drawnBy !== null || event.button !== 0) {
        return;
      }
      drawnBy = event.pointerId;
      isPenDown = false;
      canvas.setPointerCapture(drawnBy);
      strokes.push([]);
      extend(pointOf(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId === drawnBy) {
        extend(pointOf(event));
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId === drawnBy) {
          drawnBy = null;
          readIt();
        }
      });
    }
    canvas.addEventListener("focus", redraw);
    canvas.addEventListener("blur", redraw);
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      const [dx, dy] =
        {
          ArrowLeft: [-1, 0],
          ArrowRight: [1, 0],
          ArrowUp: [0, -1],
          ArrowDown: [0, 1],
        }[event.key] || [];
      if (dx !== undefined) {
        pen = [pen[0] + dx, pen[1] + dy].map((at) => Math.min(SIDE - 1, Math.max(1, at)));
        if (isPenDown) {
          strokes[strokes.length - 1].push([...pen]);
        }
      } else if (event.key === " ") {
        isPenDown = !isPenDown;
        if (isPenDown) {
          strokes.push([[...pen]]);
          answer.textContent = "The pen is down.";
        } else {
          readIt();
        }
      } else {
        return;
      }
      event.preventDefault();
      redraw();
    });

    place.replaceChildren(
      canvas,
      element(
        "div",
        { class: "digit-controls" },
        button("Watch it read your digit", () => readIt(true)),
        button("Clear", clear),
      ),
      answer,
    );
    redraw();
    reader.watch(sayBelief);
    if (reader.drawing()) {
      restore();
    }
  };
})();
