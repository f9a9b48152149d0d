// node strict-models.mjs FILE.json: a list of Kubernetes objects, each against the model of its kind.
// The models' own validation takes properties that it does not know. Whatever it never reads is one.
import { readFileSync } from "node:fs";

const PACKAGES = { "monitoring.coreos.com": "prometheus-operator", "gateway.networking.k8s.io": "gateway-api" };
const looks = [];

function watch(value, path) {
  if (value === null || typeof value !== "object") return value;
  const read = new Set();
  const inner = Array.isArray(value) ? [] : {};
  for (const key in value) inner[key] = watch(value[key], `${path}.${key}`);
  looks.push(() => Object.keys(inner).filter((key) => !read.has(key)).map((key) => `${path}.${key}: unknown`));
  return new Proxy(inner, { get: (target, key) => (read.add(key), target[key]) });
}

for (const object of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  looks.length = 0;
  const [group, version] = object.apiVersion.split("/");
  const from = PACKAGES[group]
    ? `@kubernetes-models/${PACKAGES[group]}/${group}/${version}`
    : `kubernetes-models/${object.apiVersion}`;
  let wrong;
  try {
    const models = await import(`${from}/${object.kind}`);
    models[object.kind].prototype.validate.call(watch(object, object.kind));
    wrong = looks.flatMap((look) => look());
  } catch (error) {
    wrong = [`${object.kind}: ${error.message}`];
  }
  for (const line of wrong) console.error(line);
  if (wrong.length) process.exitCode = 1;
}
