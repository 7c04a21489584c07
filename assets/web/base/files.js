// Files that a visitor takes home.

/**
 * @param {string} name of the file
 * @param {BlobPart} content
 */
export const save = (name, content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

/** @param {unknown} v */
const quoted = (v) => {
  const text = v === null || v === undefined ? "" : String(v);
  const safe = /^[=+@\t\r-]/.test(text) && typeof v === "string" ? `'${text}` : text; // no formula in a spreadsheet
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
/**
 * A table as CSV; anything that a spreadsheet would read as a formula is marked as text.
 *
 * @param {unknown[][]} table
 */
export const csv = (table) => table.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
