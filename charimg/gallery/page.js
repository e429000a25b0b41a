// Finding, copying, and one character large. Without this script the page still shows everything.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card")];
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const words = new Map(cards.map((card) => [card, plain(card.querySelector(".text").textContent + " " + card.dataset.state)]));
  const find = byId("find");
  const chips = [...document.querySelectorAll(".chip")];
  let only = "";

  const shown = () => cards.filter((card) => !card.hidden);

  function filter() {
    const wanted = plain(find.value).split(/\s+/).filter(Boolean);
    for (const card of cards) {
      const text = words.get(card);
      card.hidden = (only && !only.split(" ").includes(card.dataset.state)) || !wanted.every((word) => text.includes(word));
    }
    const count = shown().length;
    byId("nobody").hidden = count > 0;
    byId("shown").textContent = wanted.length || only ? `${count} of ${cards.length}` : "";
  }

  find.addEventListener("input", filter);
  find.form.addEventListener("submit", (event) => event.preventDefault());
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      only = chip.dataset.only;
      for (const one of chips) one.setAttribute("aria-pressed", String(one === chip));
      filter();
    });
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      (document.querySelector("dialog[open]") || document.body).append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  }

  const box = byId("box");
  let current = null;

  function show(card) {
    current = card;
    const among = shown();
    const picture = card.querySelector(".picture img, .picture .nothing").cloneNode(true);
    picture.removeAttribute("loading");
    byId("box-picture").className = card.className;
    byId("box-picture").classList.remove("card");
    byId("box-picture").replaceChildren(picture);
    byId("box-name").textContent = card.querySelector(".name").textContent;
    byId("box-count").textContent = `${among.indexOf(card) + 1} of ${among.length}`;
    const parts = [".description", ".tags", ".facts dl"].map((part) => card.querySelector(part)?.cloneNode(true));
    byId("box-facts").replaceChildren(...parts.filter(Boolean));
    for (const side of box.querySelectorAll(".prev, .next")) side.hidden = among.length < 2;
    if (!box.open) box.showModal();
    box.querySelector(".about").scrollTop = 0;
  }

  function step(by) {
    const among = shown();
    show(among[(among.indexOf(current) + by + among.length) % among.length]);
  }

  box.addEventListener("close", () => current?.querySelector(".picture").focus());
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do === "close") box.close();
    else if (button.dataset.do === "next") step(1);
    else if (button.dataset.do === "prev") step(-1);
    else if (button.classList.contains("picture")) show(button.closest(".card"));
    else if (button.classList.contains("tag")) {
      box.close();
      find.value = button.textContent;
      filter();
      find.scrollIntoView({ block: "nearest" });
    } else if (button.classList.contains("copy")) {
      const before = button.textContent;
      const done = await copy(button.closest("dd").querySelector(".value").textContent);
      button.textContent = done ? "copied" : "select and copy";
      setTimeout(() => { button.textContent = before; }, 1600);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !box.open && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    }
  });
  filter();
})();
