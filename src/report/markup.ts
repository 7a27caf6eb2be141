// Text that becomes HTML or SVG: everything put into a template is escaped unless it was made by one.

/** A piece of markup that is safe to put into a page as it stands. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | string | number | null | readonly (Markup | string | number | null)[];

/** html`<p>${text}</p>`: strings and numbers are escaped, markup and lists of markup are put in, null is nothing. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let markup = pieces[0] ?? "";
  for (const [i, part] of parts.entries()) markup += partMarkup(part) + (pieces[i + 1] ?? "");
  return { markup };
}

/** Escapes for element content and quoted attributes; control characters become visible codes. */
export function escapeText(text: string): string {
  return visibleControls(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/**
 * Shows what would act unseen as its code in brackets: C0 and C1 controls (line breaks and tabs stay), and the marks that turn the
 * direction of text.
 */
export function visibleControls(text: string): string {
  const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
  return text.replace(acting, (mark) => `[U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

function partMarkup(part: Part): string {
  if (part === null) return "";
  if (typeof part === "string") return escapeText(part);
  if (typeof part === "number") return String(part);
  if ("markup" in part) return part.markup;
  return part.map(partMarkup).join("");
}
