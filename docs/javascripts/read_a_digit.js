// Builds the panels for which the page has a place.
(() => {
  const imgseq = window.imgseq;
  const place = (name) => document.getElementById(`read-a-digit-${name}`);

  const panel = place("panel");
  if (panel) {
    const reader = imgseq.buildReader(panel);
    imgseq.buildDrawing(place("drawing"), reader);
    imgseq.buildRace(place("race"));
    imgseq.buildExplorer(place("explorer"));
  }
  const small = place("small");
  if (small) {
    imgseq.buildReader(small, { isSmall: true });
  }
})();
