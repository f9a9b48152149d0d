// A CSV that is dropped on the page: sent in parts that the server takes, and given back in one.

import { find, make } from "./common.js";

const PART = 1 << 18; // characters of a part, a quarter of what a server takes if it was told nothing
const SHOWN = 10; // rows of the answer

// Take the files that are chosen in a section, or dropped on the page.
export function scoreFile(section, { say, ask, path, detailOf }) {
  const told = find("#scored", section);
  const input = find("input", section);
  let address = ""; // of what was given last, which the browser keeps until it is revoked

  async function score(file) {
    const text = await file.text();
    const [header, ...records] = splitRecords(text);
    if (!records.length) {
      told.replaceChildren(make("p", { class: "warning" }, say("no_rows", file)));
      return;
    }
    const parts = [];
    for (let at = 0; at < records.length;) {
      const share = Math.floor((100 * at) / records.length);
      told.replaceChildren(make("p", {}, say("scoring", { name: file.name, share })));
      let size = 0, end = at;
      while (end < records.length && size < PART) size += records[end++].length;
      const body = header + records.slice(at, end).join("");
      const answer = await ask(path(), { method: "POST", headers: { "Content-Type": "text/csv" }, body });
      if (answer.status !== 200) {
        const detail = detailOf(answer.text);
        const refused = say("part_refused", { row: at + 1, detail });
        told.replaceChildren(make("p", { class: "warning" }, refused));
        return;
      }
      parts.push(...splitRecords(answer.text).slice(at ? 1 : 0));
      at = end;
    }
    give(file.name, parts, records.length);
  }

  function give(name, records, count) {
    URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob(records, { type: "text/csv" }));
    const scored = name.replace(/(\.csv)?$/i, "-scored.csv");
    const link = make("a", { href: address, download: scored }, say("download", { name: scored }));
    const [header, ...rows] = records.slice(0, SHOWN + 1).map(readFields);
    told.replaceChildren(
      make("p", {}, say("scored", { name, count }), " ", link),
      make("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": say("first_rows") },
        make("table", {},
          make("thead", {}, make("tr", {}, ...header.map((each) => make("th", { scope: "col" }, each)))),
          make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((each) => make("td", {}, each))))))));
  }

  const take = (file) => { if (file) score(file); };
  input.addEventListener("change", () => take(input.files[0]));
  for (const kind of ["dragover", "drop"]) { // of files: text may be dropped into fields
    document.addEventListener(kind, (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
  }
  document.addEventListener("drop", (event) => {
    if (!section.hidden) take(event.dataTransfer.files[0]);
  });
}

// Split CSV into its records, each with its line's end: a line may end within quotes.
export function splitRecords(text) {
  const records = [];
  let start = 0, isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === "\n" && !isQuoted) {
      records.push(text.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (start < text.length) records.push(`${text.slice(start)}\n`);
  return records;
}

function readFields(record) {
  const fields = record.trimEnd().matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g);
  const read = [...fields].map(([, field]) => (
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
  return read.length > 1 && record.trimEnd().at(-1) !== "," ? read.slice(0, -1) : read;
}
