// A word of a command line as a person can paste it.

/** Quoted where the system's shell would take the word apart or read something into it. */
export function shellWord(word: string, windows = process.platform === "win32"): string {
  if (/^[\w@%+=:,./-]+$/.test(word) || (windows && /^[\w@+=:,.\\/-]+$/.test(word))) return word;
  return windows ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
