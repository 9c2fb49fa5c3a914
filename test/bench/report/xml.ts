/** Whether text is well-formed XML, as far as generated SVG needs it: no entities of its own, no processing instructions. */
export function xmlProblem(text: string): string | undefined {
  const open: string[] = [];
  const token = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[^>]*>|[^<]+/g;
  let roots = 0;
  for (const [part] of text.matchAll(token)) {
    if (part.startsWith("<!")) continue;
    if (part.startsWith("</")) {
      const name = part.slice(2, -1).trim();
      if (open.pop() !== name) return `unexpected ${part}`;
    } else if (part.startsWith("<")) {
      const element = /^<([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>$/.exec(part);
      if (element === null) return `not an element: ${part}`;
      const [, name = "", attributes = "", closed] = element;
      const names = [...attributes.matchAll(/([\w:-]+)="[^"]*"/g)].map(([, attribute]) => attribute);
      if (new Set(names).size < names.length) return `an attribute twice: ${part}`;
      if (badEntity(attributes)) return `bad entity in ${part}`;
      if (open.length === 0) roots++;
      if (closed === "") open.push(name);
    } else if (badEntity(part) || (open.length === 0 && part.trim() !== "")) {
      return `stray text: ${part}`;
    }
  }
  if (open.length > 0) return `not closed: ${open.join(", ")}`;
  return roots === 1 ? undefined : `${roots} roots`;
}

function badEntity(text: string): boolean {
  return /&(?!(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(text);
}
