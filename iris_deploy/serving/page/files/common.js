// What both pages are made with. All that they show becomes text, never markup.

export const find = (selector, within = document) => within.querySelector(selector);

// Make an element; attributes that are functions listen to events.
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

const SVG = "http://www.w3.org/2000/svg";

// The same for a drawing.
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// A token, kept while the page is open, and requests with it.
export const access = { token: "" };

export function send({ url, method, headers, body, guarded }) {
  const sent = new Headers(headers);
  if (access.token && guarded) sent.set("Authorization", `Bearer ${access.token}`);
  return fetch(url, { method, headers: sent, body, cache: "no-store" });
}

// Ask for a token, and go on with it.
export function askForToken(goOn) {
  find("#access").addEventListener("submit", (event) => {
    event.preventDefault();
    access.token = find("#token").value.trim();
    goOn();
  });
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function writeCurl({ url, method, headers, body, guarded }) {
  const words = [`curl ${quote(url.href)}`];
  if (method !== "GET" && body === undefined) words.push(`-X ${method}`);
  const lines = Object.entries(headers).map((pair) => pair.join(": "));
  words.push(...lines.map((line) => `-H ${quote(line)}`));
  if (guarded) words.push('-H "Authorization: Bearer $TOKEN"');
  if (body !== undefined) words.push(`--data-raw ${quote(body)}`);
  return words.join(" \\\n  ");
}

export async function copyText(element, said, { copied, selected }) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    said.textContent = copied;
  } catch { // browsers allow it over HTTPS and on one's own machine only
    getSelection().selectAllChildren(element);
    said.textContent = selected;
  }
}
