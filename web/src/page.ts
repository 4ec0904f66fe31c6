// The page of one broadcast: its path names it, its query configures the player.
import { FreshetPlayerElement } from "./freshet.ts";
import { parseAddress, withToken } from "./play/config.ts";

const query = new URLSearchParams(location.search);
const element = new FreshetPlayerElement();
for (const name of ["transport", "target", "muted", "swarm-consent", "swarm"]) {
  const value = query.get(name);
  if (value !== null) {
    element.setAttribute(name, value);
  }
}
element.setAttribute("src", withToken(location.origin + location.pathname, parseAddress(location.href).token));
document.body.append(element);
document.title = `${element.player?.name ?? "Freshet"} · Freshet`;
addEventListener("keydown", (event) => element.handleKey(event));

// For tests and the curious: freshet.stats() in the console.
Object.assign(globalThis, { freshet: element.player });
