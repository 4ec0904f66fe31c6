// What is hard to read on a page, judged in the page itself: text that is cut off, lies
// over other text or lines, or has too little contrast; and a page wider than the screen.

/**
 * Returns { faults, texts, drawings }: complaints, and how much was looked at. With the
 * name of a custom element what is in its shadow is judged, over its black picture.
 */
export function legible(host) {
  const slack = 1; // px: rounding of layout, and strokes.
  const faults = [];
  const say = (what, text) => faults.push(`${what}: ${text.trim().slice(0, 60)}`);

  const root = document.documentElement;
  const scope = host ? document.querySelector(host).shadowRoot : document.body;
  if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} px wide on ${root.clientWidth}`);

  // Colours. WCAG 2.2, 1.4.3: 4.5, and 3 for large text.
  const rgba = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const above = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
  const paper = (element) => {
    const sheets = [];
    // In a drawing what a text lies on, and is meant to, stands before it.
    const back = element.previousElementSibling;
    if (back?.matches("[data-back]")) sheets.push(rgba(getComputedStyle(back).fill));
    for (let e = element; e; e = above(e)) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      sheets.push(colour);
      if (colour.length === 3 || colour[3] === 1) break;
    }
    return sheets.reduceRight((below, sheet) => over(sheet, below), host ? [0, 0, 0] : [255, 255, 255]);
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    const of = [rgba(element instanceof SVGElement ? style.fill : style.color), paper(element)].map(luminance);
    const ratio = (Math.max(...of) + 0.05) / (Math.min(...of) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)}`, element.textContent);
  };

  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
  const beyond = (inner, outer) => inner.left < outer.left - slack || inner.right > outer.right + slack;

  // Text of the page stands within its block, sees none of it hidden, and lies over no other.
  const inPage = () => {
    const walker = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT);
    const seen = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.data.trim() || node.parentElement.closest("svg, style, script")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter((b) => b.width > 0);
      if (boxes.length === 0) continue;
      contrast(node.parentElement);
      let block = node.parentElement;
      while (["inline", "contents"].includes(getComputedStyle(block).display)) block = above(block);
      for (let e = block; e && e !== root; e = above(e)) {
        if (getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + slack) say("cut off", node.data);
      }
      for (const box of boxes) {
        if (beyond(box, block.getBoundingClientRect())) say("outside its box", node.data);
        // The middle of a line: its box is higher than what is drawn.
        const third = box.height / 3;
        seen.push({ text: node.data, left: box.left, right: box.right, top: box.top + third, bottom: box.bottom - third });
      }
    }
    seen.forEach((a, i) => seen.slice(i + 1).forEach((b) => meet(a, b) && say(`over "${b.text.trim().slice(0, 30)}"`, a.text)));
    return seen.length;
  };

  // Text of a drawing stands within it, and lies over no line and no other text.
  const inDrawing = (svg) => {
    const { x, y, width, height } = svg.viewBox.baseVal;
    const box = (element) => {
      // getBBox is in the element's own coordinates.
      const b = element.getBBox();
      const to = svg.getScreenCTM().inverse().multiply(element.getScreenCTM());
      const [p, q] = [new DOMPoint(b.x, b.y), new DOMPoint(b.x + b.width, b.y + b.height)].map((at) => at.matrixTransform(to));
      return { left: Math.min(p.x, q.x), right: Math.max(p.x, q.x), top: Math.min(p.y, q.y), bottom: Math.max(p.y, q.y) };
    };
    const lines = [...svg.querySelectorAll("path, line, rect, circle, polygon, polyline")].filter((shape) => !shape.matches("[data-back]")).map(box);
    const texts = [...svg.querySelectorAll("text")].map((element) => {
      contrast(element);
      const b = box(element);
      if (beyond(b, { left: x, right: x + width }) || b.top < y - slack || b.bottom > y + height + slack) say("outside its drawing", element.textContent);
      const quarter = (b.bottom - b.top) / 4;
      return { ...b, top: b.top + quarter, bottom: b.bottom - quarter, text: element.textContent };
    });
    texts.forEach((a, i) => {
      if (lines.some((line) => crosses(a, line))) say("over a line", a.text);
      texts.slice(i + 1).forEach((b) => meet(a, b) && say(`over "${b.text}"`, a.text));
    });
    return texts.length;
  };
  // A line has no width of its own.
  const crosses = (a, line) => line.left < a.right - slack && line.right > a.left + slack && line.top < a.bottom && line.bottom > a.top;

  const drawings = [...scope.querySelectorAll(host ? "svg[role=img]" : "svg")].filter((svg) => svg.getClientRects().length > 0);
  const texts = drawings.reduce((sum, svg) => sum + inDrawing(svg), inPage());
  return { faults, texts, drawings: drawings.length };
}
