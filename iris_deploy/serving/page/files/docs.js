// The page at /docs: reads openapi.json beside it, writes it down, and sends what is tried.
// Addresses are relative to its own.

import { access, askForToken, copyText, find, make, send, writeCurl } from "./common.js";

const UNTYPED = "application/octet-stream"; // nobody can type it
const COPIED = { copied: "Copied", selected: "Selected: copy it with the keyboard" };

const address = (path) => new URL(`.${path}`, document.baseURI);

// Schemas, as few words as will do.

const between = (parts, word) => parts.flatMap((part, at) => (at ? [word, ...part] : part));

// Return text and links that say what a schema takes.
function sketch(schema, indent = "") {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return [make("a", { href: `#schema-${name}` }, name)];
  }
  if (schema.anyOf) return between(schema.anyOf.map((each) => sketch(each, indent)), " | ");
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (schema.type === "array" && schema.items) {
    const items = sketch(schema.items, indent);
    return schema.items.anyOf ? ["array of (", ...items, ")"] : ["array of ", ...items];
  }
  if (schema.properties) return sketchMembers(schema, indent);
  if (schema.type) return [[schema.type].flat().join(" | ")];
  return [Object.keys(schema).length ? JSON.stringify(schema) : "anything"];
}

function sketchMembers({ properties, required = [] }, indent) {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).flatMap(([name, schema]) => [
    `${inner}${name}${required.includes(name) ? "" : "?"}: `,
    ...sketch(schema, inner),
    comment(schema) || comment(schema.items ?? {}),
    "\n",
  ]);
  return ["{\n", ...lines, `${indent}}`];
}

// Return what else a schema says, behind its type.
function comment({ description, format, pattern, minimum, maximum, examples }) {
  const range = minimum === undefined && maximum === undefined
    ? "" : `from ${minimum ?? "any"} to ${maximum ?? "any"}`;
  const words = [
    description, format, pattern && `like ${pattern}`, range,
    examples && `as ${examples.map((example) => JSON.stringify(example)).join(", ")}`,
  ].filter(Boolean);
  return words.length ? `  // ${words.join("; ")}` : "";
}

const writeSchema = (schema) => make("pre", {}, ...sketch(schema), comment(schema));

function writeContent(content = {}) {
  return Object.entries(content).flatMap(([type, { schema }]) => [
    make("p", {}, make("code", {}, type)), writeSchema(schema),
  ]);
}

// Answers, those that are alike together: a dozen of errors have one form.
function writeAnswers(responses) {
  const alike = new Map();
  for (const [status, response] of Object.entries(responses)) {
    const key = JSON.stringify(response);
    alike.set(key, [...(alike.get(key) ?? []), status]);
  }
  return [...alike].flatMap(([key, statuses]) => {
    const { description, content } = JSON.parse(key);
    return [make("h5", {}, `${statuses.join(", ")}: ${description}`), ...writeContent(content)];
  });
}

// What is tried: a form, the command that does the same, and the answer.

function prefill(content, type) {
  const example = content[type].example;
  return example === undefined ? "" : JSON.stringify(example, null, 2);
}

function labelled(text, input, hint = "") {
  return make("label", {}, make("span", {}, text, make("small", {}, hint)), input);
}

function choice(values, attributes = {}) {
  return make("select", attributes, ...values.map((value) => make("option", {}, value)));
}

function inputFor({ name, schema }) {
  const flag = [schema, ...(schema.anyOf ?? [])].some(({ type }) => type === "boolean");
  const values = schema.enum ?? (flag ? ["true", "false"] : null);
  return values ? choice(["", ...values], { name }) : make("input", { name });
}

function writeTrial(method, path, operation, guarded) {
  const parameters = operation.parameters ?? [];
  const content = operation.requestBody?.content;
  const types = Object.keys(content ?? {}).filter((type) => type !== UNTYPED);
  const inputs = parameters.map(inputFor);
  const type = choice(types);
  const body = make("textarea", { rows: 6, spellcheck: "false" });
  const command = make("pre");
  const said = make("span", { role: "status" });
  const answer = make("div", { class: "answer" });

  function question() {
    const url = address(path);
    for (const input of inputs) if (input.value) url.searchParams.set(input.name, input.value);
    const headers = content ? { "Content-Type": type.value } : {};
    return { url, method, headers, body: content ? body.value : undefined, guarded };
  }
  const refresh = () => command.replaceChildren(writeCurl(question()));
  type.addEventListener("change", () => { body.value = prefill(content, type.value); });
  if (content) body.value = prefill(content, type.value);
  const fields = parameters.map(({ name, schema, description = "" }, at) =>
    labelled(name, inputs[at], description || sketch(schema).join("")));
  if (content) fields.push(labelled("Content-Type", type), labelled("Body", body));
  const form = make("form", {
    input: refresh,
    change: refresh,
    submit: (event) => { event.preventDefault(); answerInto(answer, question()); },
  }, ...fields, make("button", {}, "Send"), answer);
  refresh();
  const copy = make("button", { type: "button", click: () => copyText(command, said, COPIED) }, "Copy");
  return [form, make("h4", {}, "The same by curl"), command, copy, said];
}

const MOST_SHOWN = 100_000; // characters of an answer

async function answerInto(element, question) {
  const state = make("p", { role: "status" }, "Sent …");
  element.replaceChildren(state);
  try {
    const started = performance.now();
    const response = await send(question);
    const text = await response.text();
    const took = (performance.now() - started).toFixed(1);
    const cut = text.length > MOST_SHOWN ? `, of which ${MOST_SHOWN} are shown` : "";
    state.textContent =
      `${response.status} ${response.statusText} in ${took} ms, ${text.length} characters${cut}`;
    const headers = [...response.headers].map((pair) => pair.join(": ")).join("\n");
    element.append(
      make("pre", { class: "body" }, text.slice(0, MOST_SHOWN)),
      make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers)),
    );
  } catch (error) {
    state.textContent = `No answer: ${error.message}`;
  }
}

// The whole page.

function writeOperation(method, path, operation, guarded) {
  const parts = [make("h4", {}, "Try it"), ...writeTrial(method, path, operation, guarded)];
  if (operation.requestBody) {
    parts.push(make("h4", {}, "Body"), ...writeContent(operation.requestBody.content));
  }
  parts.push(make("h4", {}, "Answers"), ...writeAnswers(operation.responses));
  const name = make("h3", {}, make("b", { class: method }, method), " ", make("code", {}, path));
  const line = make("summary", {}, name, make("span", {}, operation.summary));
  return make("details", { class: "operation" }, line, make("div", {}, ...parts));
}

function write({ info, paths, components, security = [] }) {
  document.title = find("h1").textContent = info.title;
  find("#about").prepend(`${info.description}. `.replace("..", "."));
  const groups = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const guarded = (operation.security ?? security).length > 0;
      const written = writeOperation(verb.toUpperCase(), path, operation, guarded);
      const [name] = operation.tags;
      groups.set(name, [...(groups.get(name) ?? []), written]);
    }
  }
  groups.values().next().value[0].open = true;
  const schemas = Object.entries(components.schemas).map(([name, schema]) =>
    make("section", { id: `schema-${name}` }, make("h3", {}, name), writeSchema(schema)));
  find("main").replaceChildren(
    ...[...groups].map(([name, written]) => make("section", {}, make("h2", {}, name), ...written)),
    make("section", {}, make("h2", {}, "Schemas"), ...schemas),
  );
}

async function read() {
  const state = find("#state");
  state.textContent = "Reading openapi.json …";
  try {
    const response = await send({ url: address("/openapi.json"), method: "GET", guarded: true });
    if (response.status === 401) {
      find("#access").hidden = false;
      state.textContent = access.token ? "The server has no such token." : "This server wants a token.";
    } else if (response.ok) {
      write(await response.json());
      state.textContent = "";
    } else {
      state.textContent = `openapi.json: ${response.status} ${response.statusText}`;
    }
  } catch (error) {
    state.textContent = `openapi.json cannot be read: ${error.message}`;
  }
}

askForToken(read);
read();
