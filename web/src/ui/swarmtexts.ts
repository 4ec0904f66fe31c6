import type { Consent, SwarmReason, SwarmStats } from "../swarm/stats.ts";

/**
 * What people read of the swarm, in English. Pages translate a text by an element with
 * its name as slot: `<span slot="swarm-yes">Ja, gern</span>`.
 */
export const swarmTexts = {
  "swarm-title": "Help carry this stream?",
  "swarm-text":
    "Your browser can pass on video it has received to other viewers. That uses some of your upload, and those viewers can see your IP address. You can switch it off at any time.",
  "swarm-yes": "Share",
  "swarm-no": "Don’t share",
  "swarm-switch": "Share video with other viewers",
  "swarm-on": "Viewers pass video on to each other, and so does this one.",
  "swarm-starting": "Looking for other viewers…",
  "swarm-denied": "You have switched sharing off: all video comes from the server.",
  "swarm-consent": "You have not been asked, or have not answered: all video comes from the server.",
  "swarm-cellular": "This device is on a mobile network, over which nothing is uploaded.",
  "swarm-saveData": "This browser is set to save data: all video comes from the server.",
  "swarm-battery": "The battery is low: all video comes from the server.",
  "swarm-hidden": "This tab is in the background: all video comes from the server.",
  "swarm-network": "The operator does not use sharing in your network.",
  "swarm-control": "You are among the few viewers who get everything from the server, for comparison.",
  "swarm-small": "Too few people are watching for sharing to help.",
  "swarm-breaker": "Video from other viewers came too late. It will be tried again soon.",
  "swarm-killed": "Sharing was switched off for everybody: playback was better without it.",
  "swarm-banned": "Other viewers got wrong data from this one, so it may not take part for now.",
  "swarm-operator": "The operator has switched sharing off.",
  "swarm-unsupported": "This browser or network cannot exchange video with other viewers.",
  "swarm-reserve": "The servers are busy and add nobody to the exchange for now.",
  "swarm-budget": "As much was uploaded as this hour or day allows: nothing more is for now.",
} as const;

export type SwarmText = keyof typeof swarmTexts;

/** Why sharing is as it is for this viewer. */
export function reasonOf(stats: Pick<SwarmStats, "mode" | "reason" | "consent">): SwarmText {
  if (stats.mode === "on") {
    return "swarm-on";
  }
  return stats.reason === null ? "swarm-starting" : textOf(stats.reason, stats.consent);
}

function textOf(reason: SwarmReason, consent: Consent): SwarmText {
  return reason === "consent" && consent === "denied" ? "swarm-denied" : `swarm-${reason}`;
}

/** A text that the page can replace. */
export function slot(name: SwarmText): HTMLSlotElement {
  const element = document.createElement("slot");
  setSlot(element, name);
  return element;
}

export function setSlot(element: HTMLSlotElement, name: SwarmText): void {
  if (element.name !== name) {
    element.name = name;
    element.textContent = swarmTexts[name];
  }
}
