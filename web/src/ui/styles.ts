/** The player's own sheet, inside its shadow root. */
export const styles = `
:host {
  display: block; position: relative; overflow: hidden; background: #000; color: #fff;
  font: 500 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  aspect-ratio: 16 / 9; border-radius: var(--freshet-radius, 0);
  --panel: rgba(255, 255, 255, .92); --text: #16202b; --muted: #5b6875; --grid: rgba(22, 32, 43, .13);
  --chart-1: #0b6bcb; --chart-2: #0a7d55; --chart-3: #8a4bcf; --chart-4: #c2410c; --live: #d0323a;
  --paper: #fff; --knob: #fff;
}
@media (prefers-color-scheme: dark) {
  :host {
    --panel: rgba(13, 18, 24, .84); --text: #eef3f8; --muted: #9fb0c0; --grid: rgba(255, 255, 255, .15);
    --chart-1: #5eb1ff; --chart-2: #4cd9a0; --chart-3: #c79bff; --chart-4: #ff9d66;
    --paper: #0d1218; --knob: #0d1218;
  }
}
:host([hidden]) { display: none }
* { box-sizing: border-box }
[hidden] { display: none !important }
video { display: block; width: 100%; height: 100%; object-fit: contain; background: #000 }
.bar {
  position: absolute; left: 0; right: 0; display: flex; align-items: center; gap: 10px; padding: 14px 16px;
  transition: opacity .25s; text-shadow: 0 1px 3px rgba(0, 0, 0, .6);
}
.top { top: 0; padding-bottom: 44px; background: linear-gradient(rgba(0, 0, 0, .6), transparent); pointer-events: none }
.bottom { bottom: 0; padding-top: 44px; background: linear-gradient(transparent, rgba(0, 0, 0, .65)) }
.idle { cursor: none }
.idle .bar { opacity: 0; pointer-events: none }
.frame { width: 100%; height: 100% }
.title { font-size: 15px; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.badge {
  display: inline-flex; align-items: center; gap: 6px; padding: 2px 8px 2px 7px; border-radius: 5px;
  font-size: 11px; font-weight: 700; letter-spacing: .06em; background: rgba(255, 255, 255, .18); text-shadow: none;
}
.badge::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: currentColor }
.badge.on { background: var(--live) }
.badge.on::before { animation: pulse 2s infinite }
.chip {
  padding: 4px 10px; border-radius: 999px; font-size: 12px; font-variant-numeric: tabular-nums; white-space: nowrap;
  background: rgba(255, 255, 255, .16); backdrop-filter: blur(8px); text-shadow: none;
}
.space { flex: 1 }
button {
  display: inline-grid; place-items: center; width: 38px; height: 38px; padding: 0; border: 0; border-radius: 9px;
  color: inherit; background: transparent; cursor: pointer; font: inherit;
}
button:hover { background: rgba(255, 255, 255, .18) }
button:focus-visible { outline: 2px solid #7cc0ff; outline-offset: 1px }
button[aria-pressed=true] { background: rgba(255, 255, 255, .24) }
svg { width: 22px; height: 22px; filter: drop-shadow(0 1px 2px rgba(0, 0, 0, .5)) }
.line { fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round }
.filled { fill: currentColor }
.unmute {
  position: absolute; left: 50%; bottom: 74px; transform: translateX(-50%); display: inline-flex; gap: 8px; width: auto;
  padding: 0 18px 0 14px; height: 42px; border-radius: 999px; font-weight: 600; color: #16202b; background: #fff;
  box-shadow: 0 4px 18px rgba(0, 0, 0, .35);
}
.unmute:hover { background: #e8eef4 }
.unmute svg { filter: none }
.notice {
  position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 16px; padding: 24px;
  text-align: center; font-size: 16px; pointer-events: none; text-shadow: 0 1px 4px rgba(0, 0, 0, .8);
}
.notice p { margin: 0; max-width: 36em }
.notice.over { background: rgba(0, 0, 0, .45) }
.spinner {
  width: 38px; height: 38px; border-radius: 50%; border: 3px solid rgba(255, 255, 255, .25); border-top-color: #fff;
  animation: turn .9s linear infinite;
}
.stats {
  position: absolute; top: 56px; right: 16px; width: min(300px, calc(100% - 32px)); max-height: calc(100% - 124px);
  overflow: auto; padding: 14px; border-radius: 12px; font-size: 12px; color: var(--text); background: var(--panel);
  backdrop-filter: blur(14px); box-shadow: 0 6px 28px rgba(0, 0, 0, .28); scrollbar-width: thin;
}
.charts { display: grid; gap: 10px }
.chart-head { display: flex; justify-content: space-between; color: var(--muted); margin-bottom: 3px }
.chart-head output { color: var(--text); font-weight: 650; font-variant-numeric: tabular-nums }
canvas { display: block; width: 100%; height: 44px }
dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin: 14px 0 0 }
dt { color: var(--muted) }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.swarm { font-size: 12.5px }
.switch {
  display: flex; align-items: center; justify-content: space-between; gap: 12px; width: 100%; height: auto; min-height: 32px;
  padding: 2px; border-radius: 8px; text-align: left; font-size: 13px; font-weight: 650;
}
.switch:hover { background: transparent }
.track { position: relative; flex: none; width: 38px; height: 22px; border-radius: 11px; background: var(--muted); transition: background .15s }
.track::after {
  content: ""; position: absolute; top: 3px; left: 3px; width: 16px; height: 16px; border-radius: 50%; background: var(--knob);
  transition: left .15s;
}
.switch[aria-checked=true] .track { background: var(--chart-2) }
.switch[aria-checked=true] .track::after { left: 19px }
.why { margin: 6px 2px 0; color: var(--muted); text-wrap: pretty }
.swarm-live { margin-top: 10px }
.swarm-picture { display: block; width: 100%; height: auto; margin-bottom: 10px; filter: none }
.flow { fill: none; stroke-width: 2; stroke-linecap: round; stroke-dasharray: 6 5; animation: flow 1s linear infinite }
.dotted { stroke-dasharray: 1 4.5 }
.sub-0 { stroke: var(--chart-1) }
.sub-1 { stroke: var(--chart-2) }
.sub-2 { stroke: var(--chart-3) }
.sub-3 { stroke: var(--chart-4) }
.node { fill: var(--grid) }
.node.edge { fill: var(--muted) }
.node.self { fill: var(--text) }
.name { fill: var(--text); font-size: 11px; font-weight: 600; text-anchor: middle; dominant-baseline: central; font-variant-numeric: tabular-nums }
.name.edge, .name.self { fill: var(--paper) }
.sign {
  position: absolute; top: 12px; right: 14px; display: inline-flex; align-items: center; gap: 5px; width: auto; height: 26px; padding: 0 9px 0 6px;
  border-radius: 999px; font-size: 12px; font-variant-numeric: tabular-nums; color: #fff; background: rgba(0, 0, 0, .5); backdrop-filter: blur(8px);
}
.sign:hover { background: rgba(0, 0, 0, .7) }
.sign svg { width: 16px; height: 16px; filter: none }
.consent {
  position: absolute; left: 16px; bottom: 70px; width: min(340px, calc(100% - 32px)); max-height: calc(100% - 86px); overflow: auto; padding: 14px 16px;
  border-radius: 12px; font-size: 13px; color: var(--text); background: var(--panel); backdrop-filter: blur(14px);
  box-shadow: 0 6px 28px rgba(0, 0, 0, .28); scrollbar-width: thin;
}
.consent p { margin: 0 0 8px; text-wrap: pretty }
.consent .consent-title { font-size: 14.5px; font-weight: 650 }
.answers { display: flex; justify-content: flex-end; flex-wrap: wrap; gap: 8px; margin-top: 12px }
.answer { width: auto; height: 34px; padding: 0 14px; font-weight: 650; background: var(--grid) }
.answer:hover { background: var(--grid); filter: brightness(.92) }
.answer.yes { color: var(--paper); background: var(--chart-1) }
@keyframes flow { to { stroke-dashoffset: -11 } }
@keyframes turn { to { transform: rotate(1turn) } }
@keyframes pulse { 50% { opacity: .35 } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important } }
`;
