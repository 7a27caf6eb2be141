// A verdict as a sign and a word; the colour only repeats them.

const MARKS: Readonly<Record<string, string>> = { right: "✓", wrong: "✗", unreadable: "?", timeout: "⏱" };

export function VerdictMark({ verdict }: { readonly verdict: string }) {
  return (
    <span class={`verdict ${verdict}`}>
      <span aria-hidden="true">{MARKS[verdict] ?? "·"}</span> {verdict}
    </span>
  );
}
