// Files that a visitor takes home.

export const save = (name, content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

const quoted = (v) => {
  const text = v === null || v === undefined ? "" : String(v);
  const safe = /^[=+@\t\r-]/.test(text) && typeof v === "string" ? `'${text}` : text; // no formula in a spreadsheet
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
export const csv = (table) => table.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
