// The theme gives its search no name, which screen readers need.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
