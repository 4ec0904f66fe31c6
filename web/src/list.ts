// The page that lists what is live now, kept up to date.
import { parseAddress, withToken } from "./play/config.ts";
import { AnswerError, fetchText } from "./play/server.ts";
import { el } from "./ui/dom.ts";

const interval = 2000;
const list = el("ul", { "aria-live": "polite" });
const note = el("p", { class: "note" }, "Looking for broadcasts…");
document.querySelector("main")?.append(list, note);
const { token } = parseAddress(location.href);
let shown = "";

function namesOf(body: string): string[] {
  const broadcasts: unknown = JSON.parse(body);
  const entries: unknown[] = Array.isArray(broadcasts) ? broadcasts : [];
  return entries.flatMap((entry) => {
    const name = typeof entry === "object" && entry !== null ? (entry as { name?: unknown }).name : undefined;
    return typeof name === "string" ? [name] : [];
  });
}

function linkTo(name: string): HTMLLIElement {
  const href = withToken(`/${name.split("/").map(encodeURIComponent).join("/")}/`, token);
  return el("li", {}, el("a", { href }, el("span", { class: "dot" }), el("span", {}, name), el("span", { class: "go" }, "Watch")));
}

function show(names: string[]): void {
  if (names.join("\n") !== shown) {
    list.replaceChildren(...names.map(linkTo));
    shown = names.join("\n");
  }
  note.textContent = names.length === 0 ? "Nothing is live. A broadcast appears here as soon as its encoder connects." : "";
}

async function refresh(): Promise<void> {
  try {
    show(namesOf(await fetchText(withToken("/v1/broadcasts", token))).sort());
  } catch (error) {
    show([]);
    note.textContent = error instanceof AnswerError ? error.message : "The gateway does not answer. Trying again…";
  }
  setTimeout(() => void refresh(), interval);
}

void refresh();
