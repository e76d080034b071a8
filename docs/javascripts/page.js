// What all panels of the page share: elements, the address, pictures of pixels, and the player.
(() => {
  const imgseq = window.imgseq;
  // A panel does not move by itself for a reader who asked for less motion.
  imgseq.isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  imgseq.element = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) {
        element.addEventListener(name.slice(2), value);
      } else if (value !== false) {
        element.setAttribute(name, value === true ? "" : value);
      }
    }
    element.append(...children);
    return element;
  };

  const element = imgseq.element;

  imgseq.button = (text, onclick, attributes) =>
    element("button", { type: "button", class: "digit-button", ...attributes, onclick }, text);

  imgseq.checkbox = (text, onchange) => {
    const input = element("input", { type: "checkbox", onchange });
    return { input, label: element("label", { class: "digit-choice" }, input, ` ${text}`) };
  };

  // The state of all panels stands in the address, so that a link shows what its sender saw.
  const hash = window.location.hash.slice(1);
  const parameters = new URLSearchParams(hash.includes("=") ? hash : "");
  // Browsers take only some hundred changes of the address a minute.
  const MILLISECONDS_OF_AN_ADDRESS = 400;
  let isWaiting = false;
  imgseq.address = {
    read: () => parameters,
    write(values) {
      for (const [name, value] of Object.entries(values)) {
        if (value === "" || value === false || value === null) {
          parameters.delete(name);
        } else {
          parameters.set(name, value === true ? "1" : value);
        }
      }
      if (!isWaiting) {
        isWaiting = true;
        setTimeout(() => {
          isWaiting = false;
          window.history.replaceState(window.history.state, "", `#${parameters}`);
        }, MILLISECONDS_OF_AN_ADDRESS);
      }
    },
  };
  // A link that was pasted into the open page; what is written above raises no such event.
  window.addEventListener("hashchange", () => {
    if (window.location.hash.includes("=")) {
      window.location.reload();
    }
  });

  // A whole number of the address from 0 to `most`, or what to take instead.
  imgseq.wholeNumber = (text, most, otherwise) => {
    const isWhole = /^\d{1,6}$/.test(text || "");
    return isWhole && Number(text) <= most ? Number(text) : otherwise;
  };

  // Paints each pixel of a canvas with the colour [red, green, blue] that `colourOf` gives.
  imgseq.paint = (canvas, colourOf) => {
    const context = canvas.getContext("2d");
    const picture = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < canvas.width * canvas.height; i++) {
      picture.data.set([...colourOf(i), 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  };

  // Dark blue for 0, over green to yellow for 1: a row of colours that keeps its order in grey.
  const COLOURS = [
    [24, 20, 56],
    [33, 95, 132],
    [48, 160, 120],
    [250, 224, 70],
  ];
  imgseq.colourOf = (value) => {
    const place = Math.min(1, Math.max(0, value)) * (COLOURS.length - 1);
    const before = Math.min(Math.floor(place), COLOURS.length - 2);
    return COLOURS[before].map(
      (colour, i) => colour + (place - before) * (COLOURS[before + 1][i] - colour),
    );
  };

  // The colour of what was not read yet.
  imgseq.COVER = [84, 96, 122];

  imgseq.percent = (share) => `${Math.round(100 * share)} %`;

  // Buttons and a slider that go through steps; `show(step, byHand)` draws one of them.
  imgseq.player = ({ numSteps, unit, delay, show, stride = () => 1 }) => {
    let at = 0;
    let most = numSteps;
    let timer = null;
    const slider = element("input", {
      type: "range",
      min: 0,
      max: most,
      value: 0,
      "aria-label": unit,
      oninput() {
        pause();
        go(Number(slider.value), true);
      },
    });
    const play = imgseq.button("Play", () => (timer ? stop() : start()));
    const byHand = (change) => () => {
      pause();
      go(at + change, true);
    };
    const controls = element(
      "div",
      { class: "digit-controls" },
      play,
      imgseq.button("\u25c0", byHand(-1), { "aria-label": `One ${unit} back` }),
      imgseq.button("\u25b6", byHand(1), { "aria-label": `One ${unit} on` }),
      slider,
    );

    function go(step, isByHand = false) {
      at = Math.min(most, Math.max(0, step));
      slider.value = at;
      slider.setAttribute("aria-valuetext", `${unit} ${at} of ${most}`);
      show(at, isByHand);
    }

    function start() {
      if (at === most) {
        go(0);
      }
      clearInterval(timer);
      timer = setInterval(() => {
        const next = Math.min(most, at + stride(most));
        if (next === most) {
          pause();
        }
        go(next, next === most);
      }, delay);
      play.textContent = "Pause";
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    function stop() {
      pause();
      go(at, true);
    }

    function restart(newNumSteps, step, isByHand = false) {
      pause();
      most = newNumSteps;
      slider.max = most;
      go(step, isByHand);
    }

    return { controls, go, start, pause, restart, step: byHand, at: () => at };
  };

  const WITH_KEYS_OF_ITS_OWN = "input, select, textarea, canvas[tabindex], [contenteditable]";
  const WITHOUT_DIGITS = "input[type=range], input[type=checkbox], input[type=radio]";

  // Whether a key is for the panel, and not for a control that takes such keys itself.
  imgseq.isFree = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
      return false;
    }
    const control = event.target.closest(WITH_KEYS_OF_ITS_OWN);
    return !control || (/^[0-9]$/.test(event.key) && control.matches(WITHOUT_DIGITS));
  };

  // A part of the page with a name, and a line that only screen readers see.
  imgseq.panel = (place, name) => {
    place.classList.add("digit-panel");
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", name);
    return element("p", { class: "digit-spoken", role: "status" });
  };
})();
