// The race: one digit, read by eight networks of 890 numbers, each in another order.
(() => {
  const imgseq = window.imgseq;
  const { SIDE, COVER, address, button, element, paint } = imgseq;
  const PATCH = imgseq.data.racePatch;
  const NUM_STEPS = (SIDE * SIDE) / (PATCH[0] * PATCH[1]);
  // Up to here most bets of every network are wrong.
  const STEPS_OF_LUCK = 8;

  imgseq.buildRace = (place) => {
    const given = address.read();
    let number = imgseq.wholeNumber(given.get("race"), imgseq.digits.length - 1, 1);
    const lanes = imgseq.data.race.map((described) => {
      const { code, path, accuracy } = described;
      const canvas = element("canvas", { width: SIDE, height: SIDE, role: "img" });
      const bar = element("div", { class: "digit-bar" });
      const words = element("p", { class: "digit-caption" });
      const view = element(
        "li",
        {},
        element("code", {}, code),
        element("div", { class: "digit-frame" }, canvas),
        element("div", { class: "digit-track" }, bar),
        words,
      );
      return {
        canvas,
        bar,
        words,
        view,
        code,
        path: imgseq.pathOf(path),
        network: imgseq.networkOf(described),
        accuracy,
      };
    });
    const player = imgseq.player({ numSteps: NUM_STEPS, unit: "step", delay: 350, show });
    const verdict = element("p", { class: "digit-verdict" });
    const spoken = imgseq.panel(place, "Race");
    let isReady = false;

    place.replaceChildren(
      player.controls,
      element("ul", { class: "digit-lanes" }, ...lanes.map((lane) => lane.view)),
      verdict,
      element("div", { class: "digit-controls" }, button("Another digit", another)),
      spoken,
    );

    function another() {
      number = (number + 1) % imgseq.digits.length;
      readAgain();
      player.pause();
      player.go(0, true);
      if (!imgseq.isStill) {
        player.start();
      }
    }

    function readAgain() {
      const image = imgseq.scaled(imgseq.digits[number].pixels);
      for (const lane of lanes) {
        lane.image = image;
        const steps = imgseq.stepsOf(image, SIDE, PATCH, lane.path);
        lane.beliefs = imgseq.read(lane.network, steps).beliefs;
        lane.known = imgseq.knownAfter(lane.beliefs, imgseq.digits[number].label);
      }
    }

    function show(step, isByHand) {
      for (const lane of lanes) {
        const isRead = new Set(lane.path.slice(0, step));
        const newest = step ? lane.path[step - 1] : -1;
        paint(lane.canvas, (i) => {
          const row = Math.floor(i / SIDE / PATCH[0]);
          const cell = row * (SIDE / PATCH[1]) + Math.floor((i % SIDE) / PATCH[1]);
          if (!isRead.has(cell)) {
            return COVER;
          }
          const grey = 255 * lane.image[i];
          return cell === newest && step < NUM_STEPS
            ? [grey, 90 + 0.6 * grey, grey]
            : [grey, grey, grey];
        });
        const belief = step ? lane.beliefs[step - 1] : null;
        const best = step ? imgseq.bestOf(belief) : null;
        lane.bar.style.width = step ? `${100 * belief[best]}%` : "0";
        lane.words.textContent = step ? `${best}, ${imgseq.percent(belief[best])}` : "no bet yet";
        if (step === NUM_STEPS) {
          const known = lane.known
            ? `knew after step ${lane.known}`
            : `says ${best}, which is wrong`;
          lane.words.textContent = `${known}. Right on ${(100 * lane.accuracy).toFixed(1)} % of all test digits.`;
        }
        lane.canvas.setAttribute("aria-label", `The digit, read to step ${step}, ${lane.code}`);
      }
      verdict.textContent = step === NUM_STEPS ? verdictInWords() : "";
      if (isByHand) {
        spoken.textContent = verdict.textContent || `Step ${step} of ${NUM_STEPS}.`;
      }
      if (isReady) {
        address.write({ race: number, "race-step": step });
      }
    }

    function verdictInWords() {
      const { label } = imgseq.digits[number];
      const first = Math.min(...lanes.map((lane) => lane.known || Infinity));
      const winners = lanes.filter((lane) => lane.known === first).map((lane) => lane.code);
      if (!winners.length) {
        return `It is a ${label}. None of them knew.`;
      }
      const luck = first <= STEPS_OF_LUCK ? " So early, that is luck." : "";
      return `It is a ${label}. First, after step ${first}: ${winners.join(" and ")}.${luck}`;
    }

    readAgain();
    player.go(imgseq.wholeNumber(given.get("race-step"), NUM_STEPS, 0));
    isReady = true;
  };
})();
