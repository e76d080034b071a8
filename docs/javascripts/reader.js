// The reader: a covered digit, uncovered row by row, and the bets of two who try to name it.
(() => {
  const imgseq = window.imgseq;
  const { SIDE, UNITS, CLASSES, COVER, address, button, checkbox, element, paint } = imgseq;
  const MOVED_BY = 4;
  const MILLISECONDS_OF_A_ROW = 450;
  const TRAININGS = {
    every: "after every row",
    last: "only at the end",
  };

  function moved(image) {
    return image.map((_, i) => (i % SIDE < MOVED_BY ? 0 : image[i - MOVED_BY]));
  }

  // Sixteen greys are enough for a drawing, and make its link half as long.
  function textOfDrawing(pixels) {
    return Array.from(pixels, (pixel) => Math.round(pixel / 17).toString(16))
      .join("")
      .replace(/0+$/, "");
  }

  function drawingOf(text) {
    // All zeros are no drawing.
    if (!/^[0-9a-f]{1,784}$/.test(text || "") || /^0*$/.test(text)) {
      return null;
    }
    const greys = text.padEnd(SIDE * SIDE, "0");
    return Uint8Array.from(greys, (grey) => 17 * parseInt(grey, 16));
  }

  function betOf(text) {
    const [, digit, row] = /^([0-9])-([0-9]{1,2})$/.exec(text || "") || [];
    return digit ? { digit: Number(digit), row: Number(row) } : null;
  }

  imgseq.buildReader = (place, { isSmall = false } = {}) => {
    const given = isSmall ? new URLSearchParams() : address.read();
    const state = {
      number: imgseq.wholeNumber(given.get("digit"), imgseq.digits.length - 1, 0),
      drawing: drawingOf(given.get("drawing")),
      training: given.get("training") === "last" ? "last" : "every",
      isMoved: given.has("moved"),
      isInverted: given.has("inverted"),
      isOpen: given.has("open"),
      mostSeen: imgseq.wholeNumber(given.get("seen"), SIDE, 0),
      bet: betOf(given.get("bet")),
    };
    let isReady = false;
    let image;
    let found;

    const picture = element("canvas", { width: SIDE, height: SIDE, role: "img" });
    const strip = element("canvas", { width: CLASSES, height: SIDE, role: "img" });
    const entering = element("canvas", { width: SIDE, height: 1, role: "img" });
    const spoken = imgseq.panel(place, isSmall ? "A small reader" : "Reader");
    const heads = [0, 1].map(() => element("div", { class: "digit-head" }));
    const caption = element("p", { class: "digit-caption" });
    const verdict = element("p", { class: "digit-verdict" });
    const bars = Array.from({ length: CLASSES }, (_, label) => {
      const bar = element("div", { class: "digit-bar" });
      const share = element("span", { class: "digit-share" });
      const bet = button(String(label), () => placeBet(label), {
        "aria-label": `Bet on ${label}`,
        "aria-pressed": "false",
      });
      const line = element("li", {}, bet, element("div", { class: "digit-track" }, bar), share);
      return { line, bar, share, bet };
    });
    const unitsOfState = element("div", { class: "digit-units", role: "img" });
    const units = Array.from({ length: UNITS }, () => element("div", { class: "digit-unit" }));
    unitsOfState.append(...units);
    const trainings = Object.entries(TRAININGS).map(([training, words]) => {
      const input = element("input", {
        type: "radio",
        name: "digit-training",
        value: training,
        checked: state.training === training,
        onchange: () => change({ training }),
      });
      return element("label", { class: "digit-choice" }, input, ` ${words}`);
    });
    const isMoved = checkbox("move it by four pixels", () =>
      change({ isMoved: isMoved.input.checked }),
    );
    const isInverted = checkbox("black on white", () =>
      change({ isInverted: isInverted.input.checked }),
    );
    isMoved.input.checked = state.isMoved;
    isInverted.input.checked = state.isInverted;
    const player = imgseq.player({
      numSteps: SIDE,
      unit: "row",
      delay: MILLISECONDS_OF_A_ROW,
      show,
    });
    const chart = isSmall ? null : imgseq.buildAccuracyChart();
    const invitation = element("p", { class: "digit-title" });
    // Called when the network gets another image, or is another.
    let onChange = () => {};

    place.replaceChildren(...(isSmall ? smallPanel() : wholePanel()));
    place.append(spoken);

    function pictures() {
      return element(
        "div",
        { class: "digit-pictures" },
        element("div", { class: "digit-frame" }, picture, heads[0]),
        element("div", { class: "digit-frame digit-strip" }, strip, heads[1]),
      );
    }

    function beliefs() {
      return element("ul", { class: "digit-beliefs" }, ...bars.map((bar) => bar.line));
    }

    function smallPanel() {
      return [
        element(
          "div",
          { class: "digit-columns" },
          element("div", {}, pictures(), player.controls, caption),
          element("div", {}, beliefs()),
        ),
        verdict,
      ];
    }

    function wholePanel() {
      return [
        element(
          "div",
          { class: "digit-columns" },
          element(
            "div",
            {},
            element("p", { class: "digit-title" }, "The image, and the belief after each row"),
            pictures(),
            player.controls,
            caption,
            verdict,
          ),
          element("div", {}, invitation, beliefs()),
          element(
            "div",
            {},
            element("p", { class: "digit-title" }, "The row that enters: 28 numbers"),
            element("div", { class: "digit-frame digit-entering" }, entering),
            element("p", { class: "digit-title" }, "The state: 16 numbers"),
            unitsOfState,
            element(
              "fieldset",
              { class: "digit-trainings" },
              element("legend", {}, "Trained to answer"),
              ...trainings,
            ),
            isMoved.label,
            isInverted.label,
          ),
        ),
        element("div", { class: "digit-controls" }, button("Another digit", another)),
        chart.figure,
      ];
    }

    function another() {
      change(
        { number: (state.number + 1) % imgseq.digits.length, drawing: null, isOpen: false },
        0,
      );
      if (!imgseq.isStill) {
        player.start();
      }
    }

    function change(values, row = player.at(), isSpoken = true) {
      const isOther = "number" in values || "drawing" in values;
      Object.assign(state, values, isOther ? { bet: null, mostSeen: 0 } : {});
      readAgain();
      player.go(row, isSpoken);
      onChange();
    }

    function label() {
      return state.drawing ? null : imgseq.digits[state.number].label;
    }

    function readAgain() {
      image = imgseq.scaled(state.drawing || imgseq.digits[state.number].pixels);
      image = state.isMoved ? moved(image) : image;
      image = state.isInverted ? image.map((pixel) => 1 - pixel) : image;
      found = imgseq.read(imgseq.networks[state.training], imgseq.rowsOf(image));
    }

    function placeBet(digit) {
      // Whoever has seen the digit, or drawn it, does not guess.
      if (!state.isOpen) {
        // Rows that were uncovered and covered again have been seen.
        state.bet = { digit, row: state.mostSeen };
        player.go(player.at());
        spoken.textContent = `You bet on ${digit}.`;
      }
    }

    function show(row, isByHand) {
      state.mostSeen = Math.max(state.mostSeen, row);
      state.isOpen = state.isOpen || row === SIDE || state.drawing !== null;
      paint(picture, (i) => {
        if (Math.floor(i / SIDE) < row) {
          return [255, 255, 255].map((white) => white * image[i]);
        }
        return state.isOpen ? COVER.map((part) => part * (0.35 + 0.65 * image[i])) : COVER;
      });
      paint(strip, (i) => {
        const at = Math.floor(i / CLASSES);
        return at < row ? imgseq.colourOf(found.beliefs[at][i % CLASSES]) : COVER;
      });
      heads.forEach((head) => {
        head.style.top = `${(100 * row) / SIDE}%`;
      });
      paint(entering, (i) => {
        return row ? [255, 255, 255].map((white) => white * image[(row - 1) * SIDE + i]) : COVER;
      });
      const most = Math.max(1e-9, ...found.states.flatMap((values) => Array.from(values)));
      units.forEach((unit, i) => {
        unit.style.height = row ? `${(100 * found.states[row - 1][i]) / most}%` : "0";
      });
      const best = row ? imgseq.bestOf(found.beliefs[row - 1]) : null;
      bars.forEach(({ line, bar, share, bet }, i) => {
        const belief = row ? found.beliefs[row - 1][i] : 0;
        bar.style.width = `${100 * belief}%`;
        share.textContent = row ? imgseq.percent(belief) : "";
        line.classList.toggle("digit-best", i === best);
        bet.setAttribute("aria-pressed", String(state.bet !== null && state.bet.digit === i));
        bet.disabled = state.isOpen;
      });
      const bets = [
        best === null ? "" : `The network bets on ${best}.`,
        state.bet ? `You bet on ${state.bet.digit}.` : "",
      ];
      caption.textContent = `Row ${row} of ${SIDE}. ${bets.join(" ")}`;
      invitation.textContent = state.isOpen
        ? "The belief now. You have seen this digit."
        : "The belief now. Press a digit to bet on it.";
      picture.setAttribute("aria-label", `A digit, uncovered down to row ${row} of ${SIDE}`);
      strip.setAttribute("aria-label", `The belief in each digit after each of ${row} rows`);
      entering.setAttribute("aria-label", row ? `The pixels of row ${row}` : "No row yet");
      const numbers = row ? Array.from(found.states[row - 1], (value) => value.toFixed(1)) : [];
      unitsOfState.setAttribute("aria-label", `The state: ${numbers.join(", ") || "all zeros"}`);
      verdict.textContent = row === SIDE ? verdictInWords() : "";
      if (chart) {
        chart.mark(row, state.training);
      }
      if (isByHand) {
        spoken.textContent = `${caption.textContent} ${verdict.textContent}`;
      }
      if (isReady && !isSmall) {
        writeAddress(row);
      }
    }

    function verdictInWords() {
      const best = imgseq.bestOf(found.beliefs[SIDE - 1]);
      if (label() === null) {
        const share = imgseq.percent(found.beliefs[SIDE - 1][best]);
        return `890 numbers read a ${best} in your drawing (${share}).`;
      }
      const { bet } = state;
      const ofUser = !bet
        ? "You made no bet."
        : bet.digit === label()
          ? `You knew after row ${bet.row}.`
          : `You said ${bet.digit} after row ${bet.row}.`;
      const row = imgseq.knownAfter(found.beliefs, label());
      const ofNetwork = row
        ? `890 numbers knew after row ${row}.`
        : `890 numbers say ${best}, which is wrong.`;
      return `It is a ${label()}. ${ofUser} ${ofNetwork}`;
    }

    function writeAddress(row) {
      address.write({
        digit: state.drawing ? null : state.number,
        drawing: state.drawing && textOfDrawing(state.drawing),
        training: state.training,
        row,
        moved: state.isMoved,
        inverted: state.isInverted,
        open: state.isOpen,
        seen: state.mostSeen > row ? state.mostSeen : null,
        bet: state.bet && `${state.bet.digit}-${state.bet.row}`,
      });
    }

    function onKey(event) {
      if (!imgseq.isFree(event)) {
        return;
      }
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        player.step(event.key === "ArrowRight" ? 1 : -1)();
        event.preventDefault();
      } else if (/^[0-9]$/.test(event.key)) {
        placeBet(Number(event.key));
      }
    }

    readAgain();
    if (given.has("row")) {
      player.go(imgseq.wholeNumber(given.get("row"), SIDE, 0));
    } else {
      player.go(0);
      if (!imgseq.isStill) {
        player.start();
      }
    }
    isReady = true;
    if (!isSmall) {
      document.addEventListener("keydown", (event) => {
        if (event.target === document.body || place.contains(event.target)) {
          onKey(event);
        }
      });
    }

    return {
      // The drawing that is shown, as 784 greys, or null, and what is believed of it.
      drawing: () => state.drawing,
      belief: () => found.beliefs[SIDE - 1],
      watch(listener) {
        onChange = listener;
      },
      // In which ways the network gets another image than the one that was drawn.
      changes: () =>
        [state.isMoved && "moved by four pixels", state.isInverted && "in black on white"].filter(
          Boolean,
        ),
      // Shows a drawing, read to its end or from its beginning.
      showDrawing(pixels, { isWatched = false } = {}) {
        const drawing = drawingOf(textOfDrawing(pixels));
        player.pause();
        change({ drawing, isOpen: drawing !== null }, isWatched ? 0 : SIDE, false);
        if (isWatched) {
          player.start();
          place.querySelector(".digit-controls button").focus();
        }
      },
      removeDrawing() {
        if (state.drawing) {
          change({ drawing: null, isOpen: false }, 0, false);
        }
      },
    };
  };
})();
