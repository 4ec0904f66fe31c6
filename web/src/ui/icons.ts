import { el } from "./dom.ts";

// Drawn on a 24 by 24 grid, in the colour of the text around them.
const paths = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  sound: "M4 9v6h4l5 4.5v-15L8 9zM15.5 8.5a5 5 0 0 1 0 7M18 6a8.5 8.5 0 0 1 0 12",
  muted: "M4 9v6h4l5 4.5v-15L8 9zM16 9.5l5 5M21 9.5l-5 5",
  stats: "M4 19h16M6 16v-4M11 16V6M16 16v-7",
  enlarge: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  share: "M12 7.5v3.5M11 12l-5 4.5M13 12l5 4.5M14.5 5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M7.5 18.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M21.5 18.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0",
  shrink: "M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5",
} as const;

export type IconName = keyof typeof paths;

const filled: ReadonlySet<IconName> = new Set<IconName>(["play", "pause"]);
const namespace = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", paths[name]);
  path.setAttribute("class", filled.has(name) ? "filled" : "line");
  svg.append(path);
  return svg;
}

export function button(name: IconName, label: string): HTMLButtonElement {
  const element = el("button", { type: "button" });
  setButton(element, name, label);
  return element;
}

export function setButton(element: HTMLButtonElement, name: IconName, label: string): void {
  if (element.getAttribute("aria-label") !== label) {
    element.replaceChildren(icon(name));
    element.setAttribute("aria-label", label);
    element.title = label;
  }
}
