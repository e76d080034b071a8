// Runs on every page: a name for the search, and the panels where a page has a place for them.
(() => {
  // The theme gives its search no name, which screen readers need.
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

  // An option such as --to is not broken behind its dashes.
  for (const code of document.querySelectorAll(".md-typeset :not(pre) > code")) {
    if (/^-\S{1,20}$/.test(code.textContent)) {
      code.style.whiteSpace = "nowrap";
    }
  }

  // The theme puts wide tables into boxes that scroll. The keyboard must reach them too.
  const watch = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
    }
  });
  addEventListener("load", () => {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) {
      watch.observe(box);
    }
  });

  if (!document.querySelector("[id^='read-a-digit-']")) {
    return;
  }
  // Relative to this file: the two builders of the site treat addresses in a page differently.
  const start = document.currentScript.src;
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("../stylesheets/read_a_digit.css", start);
  document.head.append(style);
  const names = ["data", "network", "page", "accuracy_chart", "reader", "drawing", "race"];
  for (const name of [...names, "explorer", "read_a_digit"]) {
    const script = document.createElement("script");
    script.src = new URL(`${name}.js`, start);
    // In this order.
    script.async = false;
    document.body.append(script);
  }
})();
