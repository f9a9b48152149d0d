// The request for one instance in each contract, and how programs send it.

import { writeCurl } from "./common.js";

const tensor = ({ name, kind, categories }, value) => {
  const isText = kind === "text" || (kind === "category" && typeof categories[0] === "string");
  return { name, shape: [1, 1], datatype: isText ? "BYTES" : "FP64", data: [value] };
};

const BODIES = {
  native: (instance) => instance,
  v2: (instance, columns) => ({ inputs: columns.map((each) => tensor(each, instance[each.name])) }),
  v1: (instance) => ({ instances: [instance] }),
  vertex: (instance) => ({ instances: [instance] }),
  invocations: (instance) => (
    { dataframe_split: { columns: Object.keys(instance), data: [Object.values(instance)] } }
  ),
  azure: (instance) => instance,
};

export const languages = { curl: writeCurl, Python: writePython, JavaScript: writeJavaScript };

// Return the contracts that are on and have a path, and that path.
export function listCalls(contracts) {
  return Object.entries(contracts).filter(([name, path]) => path && name in BODIES);
}

export function buildCall(contract, url, instance, columns, guarded) {
  const body = JSON.stringify(BODIES[contract](instance, columns));
  return { url, method: "POST", headers: { "Content-Type": "application/json" }, body, guarded };
}

// Write a JSON value as Python has it.
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([name, of]) => `${JSON.stringify(name)}: ${literal(of)}`);
  return `{${members.join(", ")}}`;
}

function writePython({ url, body, guarded }) {
  const token = guarded ? '\n    headers={"Authorization": f"Bearer {os.environ[\'TOKEN\']}"},' : "";
  return `${guarded ? "import os\n\n" : ""}import requests

answer = requests.post(
    ${JSON.stringify(url.href)},${token}
    json=${literal(JSON.parse(body))},
    timeout=10,
)
answer.raise_for_status()
print(answer.json())`;
}

function writeJavaScript({ url, headers, body, guarded }) {
  const all = guarded ? { ...headers, Authorization: "Bearer TOKEN" } : headers;
  return `const answer = await fetch(${JSON.stringify(url.href)}, {
  method: "POST",
  headers: ${JSON.stringify(all)},
  body: JSON.stringify(${body}),
});
if (!answer.ok) throw new Error(await answer.text());
console.log(await answer.json());`;
}
