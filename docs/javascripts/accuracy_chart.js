// How many of all test digits both networks have right after each row.
(() => {
  const imgseq = window.imgseq;
  const WIDTH = 380;
  const HEIGHT = 190;
  const LEFT = 44;
  const BOTTOM = 26;
  const RIGHT = 24;
  const NAMES = {
    every: "trained to answer after every row",
    last: "trained to answer at the end",
  };

  function svg(tag, attributes, text) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) {
      shape.setAttribute(name, value);
    }
    if (text) {
      shape.textContent = text;
    }
    return shape;
  }

  const xOf = (row) => LEFT + ((WIDTH - LEFT - RIGHT) * row) / imgseq.SIDE;
  const yOf = (accuracy) => 8 + (HEIGHT - BOTTOM - 8) * (1 - accuracy);

  imgseq.buildAccuracyChart = () => {
    const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
    for (const accuracy of [0, 0.5, 1]) {
      chart.append(
        svg("line", {
          class: "digit-grid",
          x1: LEFT,
          x2: WIDTH - RIGHT,
          y1: yOf(accuracy),
          y2: yOf(accuracy),
        }),
        svg(
          "text",
          { x: LEFT - 6, y: yOf(accuracy) + 4, "text-anchor": "end" },
          imgseq.percent(accuracy),
        ),
      );
    }
    for (const row of [7, 14, 21, 28]) {
      chart.append(
        svg("text", { x: xOf(row), y: HEIGHT - 6, "text-anchor": "middle" }, `row ${row}`),
      );
    }
    const marker = svg("line", { class: "digit-marker", y1: yOf(1), y2: yOf(0) });
    chart.append(marker);
    const lines = {};
    for (const name of Object.keys(NAMES)) {
      const points = imgseq.data.networks[name].accuracies.map(
        (accuracy, i) => `${xOf(i + 1).toFixed(1)},${yOf(accuracy).toFixed(1)}`,
      );
      lines[name] = svg("polyline", {
        class: `digit-line digit-${name}`,
        points: points.join(" "),
      });
      chart.append(lines[name]);
    }
    const words = imgseq.element("figcaption", {});
    const figure = imgseq.element("figure", { class: "digit-chart" }, chart, words);

    function mark(row, training) {
      marker.setAttribute("x1", xOf(row));
      marker.setAttribute("x2", xOf(row));
      for (const name of Object.keys(NAMES)) {
        lines[name].classList.toggle("digit-chosen", name === training);
      }
      const shares = Object.entries(NAMES).map(([name, said]) => {
        const accuracy = row ? imgseq.data.networks[name].accuracies[row - 1] : 0;
        const swatch = imgseq.element("span", { class: `digit-swatch digit-${name}` });
        return imgseq.element(
          "span",
          {},
          swatch,
          row ? ` ${imgseq.percent(accuracy)} ${said}` : ` ${said}`,
        );
      });
      const begin = row
        ? `Right on the 10,000 test digits after row ${row}: `
        : "Right on the 10,000 test digits, after each row: ";
      words.replaceChildren(begin, shares[0], ", ", shares[1], ".");
    }

    return { figure, mark };
  };
})();
