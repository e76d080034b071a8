// The explorer: a path over an image, and the matrix of the sequence that it fills.
(() => {
  const imgseq = window.imgseq;
  const { SIDE, COVER, address, button, checkbox, element, paint } = imgseq;
  const IMAGE_SIDE = 2 * SIDE;
  const ORDERS = Object.keys(imgseq.data.orders);
  const GRIDS = Object.keys(imgseq.data.paths).map(Number);
  const SCALE = 8;

  function doubled(pixels) {
    return Float64Array.from({ length: IMAGE_SIDE ** 2 }, (_, i) => {
      const [row, column] = [Math.floor(i / IMAGE_SIDE), i % IMAGE_SIDE];
      return pixels[Math.floor(row / 2) * SIDE + Math.floor(column / 2)] / 255;
    });
  }

  const IMAGES = { photo: imgseq.scaled(imgseq.photo), digit: doubled(imgseq.digits[0].pixels) };

  // The path of the transposed grid is that of the grid with rows and columns exchanged.
  imgseq.pathOfReading = (grid, order, isTransposed, isReversed) => {
    const path = Array.from(imgseq.pathOf(imgseq.data.paths[grid][order]));
    const turned = isTransposed
      ? path.map((cell) => (cell % grid) * grid + Math.floor(cell / grid))
      : path;
    return isReversed ? turned.reverse() : turned;
  };

  imgseq.buildExplorer = (place) => {
    const given = address.read();
    const choice = (name, values, texts, otherwise) => {
      const select = element(
        "select",
        { onchange: () => changed() },
        ...values.map((value, i) => element("option", { value }, texts[i])),
      );
      const wanted = given.get(name);
      select.value = values.map(String).includes(wanted) ? wanted : otherwise;
      return select;
    };
    const sizes = GRIDS.map((grid) => IMAGE_SIDE / grid);
    const image = choice("image", ["photo", "digit"], ["a photo", "a digit"], "photo");
    const grid = choice(
      "grid",
      GRIDS,
      GRIDS.map((side, i) => `${sizes[i]} x ${sizes[i]} pixels: ${side} x ${side} steps`),
      "8",
    );
    const order = choice("order", ORDERS, ORDERS, "hilbert");
    const flag = (name, text) => {
      const made = checkbox(text, () => changed());
      made.input.checked = given.has(name);
      return made;
    };
    const transpose = flag("transpose", "transpose");
    const reverse = flag("reverse", "reverse");
    const reshape = flag("reshape", "wrong reshape");
    const picture = element("canvas", {
      width: IMAGE_SIDE * SCALE,
      height: IMAGE_SIDE * SCALE,
      role: "img",
    });
    const matrix = element("canvas", { role: "img" });
    const code = element("code", {});
    const spoken = imgseq.panel(place, "Explorer");
    // The image without its path, which is painted once.
    const ground = element("canvas", { width: IMAGE_SIDE, height: IMAGE_SIDE });
    const words = element("p", { class: "digit-caption" });
    const player = imgseq.player({
      numSteps: 64,
      unit: "step",
      delay: 120,
      show,
      // So that every grid takes about as long.
      stride: (numSteps) => Math.ceil(numSteps / 100),
    });
    let isReady = false;
    let path = [];
    let steps = [];

    const field = (text, select) => element("label", { class: "digit-choice" }, `${text} `, select);
    place.replaceChildren(
      element(
        "div",
        { class: "digit-controls" },
        field("Image", image),
        field("One step sees", grid),
        field("Order", order),
        transpose.label,
        reverse.label,
        reshape.label,
      ),
      element(
        "div",
        { class: "digit-columns" },
        element(
          "div",
          {},
          element("p", { class: "digit-title" }, "The path over the image"),
          element("div", { class: "digit-frame" }, picture),
        ),
        element(
          "div",
          {},
          element("p", { class: "digit-title" }, "The sequence: one line for each step"),
          element("div", { class: "digit-frame digit-matrix" }, matrix),
        ),
      ),
      player.controls,
      words,
      element(
        "div",
        { class: "digit-controls" },
        element("pre", { class: "digit-code", tabindex: 0 }, code),
        button("Copy", copy),
      ),
      spoken,
    );

    function pixels() {
      return IMAGES[image.value];
    }

    function readAgain() {
      const side = Number(grid.value);
      const size = IMAGE_SIDE / side;
      path = imgseq.pathOfReading(
        side,
        order.value,
        transpose.input.checked,
        reverse.input.checked,
      );
      if (reshape.input.checked) {
        const length = size * size;
        steps = path.map((_, i) => pixels().slice(i * length, (i + 1) * length));
      } else {
        steps = imgseq.stepsOf(pixels(), IMAGE_SIDE, [size, size], path);
      }
      matrix.width = steps[0].length;
      matrix.height = steps.length;
      code.textContent = codeInWords(size);
      paint(ground, (i) => Array(3).fill(30 + 150 * pixels()[i]));
      for (const control of [order, transpose.input, reverse.input]) {
        control.disabled = reshape.input.checked;
      }
    }

    function codeInWords(size) {
      if (reshape.input.checked) {
        return `images.reshape(-1, ${steps.length}, ${steps[0].length})  # not the patches`;
      }
      const flags = [
        transpose.input.checked ? ", transpose=True" : "",
        reverse.input.checked ? ", reverse=True" : "",
      ];
      return `ImageAsSequence(${size}, ${imgseq.data.orders[order.value]}${flags.join("")})`;
    }

    // The pixels that a step sees, as boxes of the image: [left, top, width, height].
    function boxesOf(step) {
      const side = Number(grid.value);
      const size = IMAGE_SIDE / side;
      if (!reshape.input.checked) {
        const cell = path[step];
        return [[(cell % side) * size, Math.floor(cell / side) * size, size, size]];
      }
      const boxes = [];
      for (let at = step * size * size; at < (step + 1) * size * size; at++) {
        boxes.push([at % IMAGE_SIDE, Math.floor(at / IMAGE_SIDE), 1, 1]);
      }
      return boxes;
    }

    function centreOf(step) {
      const boxes = boxesOf(step);
      const [left, top, width, height] = boxes[Math.floor(boxes.length / 2)];
      return [(left + width / 2) * SCALE, (top + height / 2) * SCALE];
    }

    function show(step, isByHand) {
      const context = picture.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(ground, 0, 0, picture.width, picture.height);
      context.lineWidth = Number(grid.value) > 20 ? 2 : 4;
      context.lineJoin = "round";
      for (let i = 1; i < step; i++) {
        const [red, green, blue] = imgseq.colourOf(0.3 + (0.7 * i) / steps.length);
        context.strokeStyle = `rgb(${red}, ${green}, ${blue})`;
        context.beginPath();
        context.moveTo(...centreOf(i - 1));
        context.lineTo(...centreOf(i));
        context.stroke();
      }
      if (step) {
        context.fillStyle = "rgba(250, 224, 70, 0.75)";
        for (const box of boxesOf(step - 1)) {
          context.fillRect(...box.map((at) => at * SCALE));
        }
      }
      paint(matrix, (i) => {
        const at = Math.floor(i / matrix.width);
        return at < step ? imgseq.colourOf(steps[at][i % matrix.width]) : COVER;
      });
      words.textContent =
        `Step ${step} of ${steps.length}, each of ${steps[0].length} numbers. ` +
        (reshape.input.checked
          ? "A bare reshape cuts the image into strips: one step sees parts of rows, not a patch."
          : `The image has ${IMAGE_SIDE} x ${IMAGE_SIDE} pixels.`);
      picture.setAttribute("aria-label", `The path after step ${step} of ${steps.length}`);
      matrix.setAttribute("aria-label", `The sequence, filled to step ${step} of ${steps.length}`);
      if (isByHand) {
        spoken.textContent = words.textContent;
      }
      if (isReady) {
        address.write({
          image: image.value,
          grid: grid.value,
          order: order.value,
          transpose: transpose.input.checked,
          reverse: reverse.input.checked,
          reshape: reshape.input.checked,
          at: step,
        });
      }
    }

    function changed() {
      readAgain();
      player.restart(steps.length, imgseq.isStill ? steps.length : 0, true);
      if (!imgseq.isStill) {
        player.start();
      }
    }

    function copy() {
      window.getSelection().selectAllChildren(code);
      // Also where the page is opened from a file, and nothing else may write to the clipboard.
      spoken.textContent = document.execCommand("copy") ? "Copied." : "Press Ctrl-C to copy.";
    }

    readAgain();
    player.restart(steps.length, imgseq.wholeNumber(given.get("at"), steps.length, steps.length));
    isReady = true;
  };
})();
