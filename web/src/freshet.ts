// The module for other pages: the player class, and <freshet-player> by import.
import { FreshetPlayerElement } from "./ui/element.ts";

export { FreshetPlayer } from "./player.ts";
export type { PlayerOptions, PlayerState, PlayerStats } from "./player.ts";
export { FreshetPlayerElement };

if (!customElements.get("freshet-player")) {
  customElements.define("freshet-player", FreshetPlayerElement);
}
