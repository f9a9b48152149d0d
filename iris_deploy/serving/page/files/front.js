// The page at /: a field for each column, and what the model says of them as they change.
// What is served it reads from / itself, as JSON; it answers by POST /predict alone.

import { buildCall, languages, listCalls } from "./calls.js";
import { access, askForToken, copyText, find, make, send } from "./common.js";
import { writeFields } from "./fields.js";
import { Chart, colourOf, drawBars, drawLines, drawScale, legend, shade, spread, widen } from "./pictures.js";
import { scoreFile } from "./scoring.js";

const words = JSON.parse(find("#words").textContent);
const { lang, dataset } = document.documentElement;
const MOST_CLASSES = 12; // in a list of scores
const CELLS = [64, 48]; // of the map
const STEPS = 61; // along a column
const PATIENCE = 2000; // ms before a request is tried again

const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const address = (path) => new URL(path, location.origin);
const short = new Intl.NumberFormat(lang, { maximumSignificantDigits: 6 });
const write = (value) => (typeof value === "number" ? short.format(value) : String(value));
const percent = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });

let served, fields;
let guarded = false;

// Do work, one at a time: what is asked for meanwhile is done once, afterwards.
function latest(work) {
  let isRunning = false, isWanted = false;
  return async function run() {
    if (isRunning) {
      isWanted = true;
      return;
    }
    isRunning = true;
    try {
      await work();
    } finally {
      isRunning = false;
    }
    if (isWanted) {
      isWanted = false;
      run();
    }
  };
}

const pause = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

// Ask until the server answers, and say how it is meanwhile. Returns status and body.
async function ask(url, { method = "GET", headers = { Accept: "application/json" }, body } = {}) {
  const state = find("#state");
  for (;;) {
    try {
      const response = await send({ url, method, headers, body, guarded: true });
      const text = await response.text();
      if (response.status === 401) {
        find("#access").hidden = false;
        state.textContent = say(access.token ? "token_unknown" : "token_wanted");
        return { status: 401, text };
      }
      if (response.status !== 503) {
        state.textContent = "";
        return { status: response.status, text };
      }
      state.textContent = say("busy", { detail: detailOf(text) });
    } catch {
      state.textContent = say("unreachable");
    }
    await pause(PATIENCE);
  }
}

// Return what an error says; a proxy in front may say it in words of its own.
function readProblem(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 200) };
  }
}

const detailOf = (text) => readProblem(text).detail;

const predict = (value, query = "") => ask(address(`${served.contracts.native}${query}`), {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value),
});

// The answer to what stands in the fields.

const outputs = () => served.output.outputs ?? [served.output];
const isSeveral = () => "outputs" in served.output;

function scoresOf(answer, output) {
  for (const kind of ["probabilities", "decision_values"]) {
    const scores = isSeveral() ? answer[kind]?.[output.name] : answer[kind];
    if (scores) return { kind, scores };
  }
  return null;
}

// Return the names of scores in the order of the classes: an object has what looks like an integer first.
function listNames(scores, { classes = [] }) {
  const known = classes.map(String).filter((name) => name in scores), all = Object.keys(scores);
  return known.length === all.length ? known : all;
}

function writeScores({ kind, scores }, output, chosen) {
  const listed = listNames(scores, output).map((name, at) => [name, scores[name], at]);
  const first = listed.length > MOST_CLASSES
    ? listed.toSorted((a, b) => b[1] - a[1]).slice(0, MOST_CLASSES) : listed;
  const shares = kind === "probabilities";
  const format = shares ? (value) => percent.format(value) : write;
  const parts = [make("h3", {}, say(kind)), drawBars(first, { chosen, shares, write: format })];
  const more = listed.length - first.length;
  return more ? [...parts, make("p", {}, say("more_classes", { count: more }))] : parts;
}

function writeOutput(output, value, scores) {
  const unit = output.unit ? ` ${output.unit}` : "";
  const parts = [make("p", { class: "prediction" },
    ...(isSeveral() ? [make("small", {}, `${output.name} `)] : []),
    make("output", {}, write(value)), unit)];
  if (scores) parts.push(...writeScores(scores, output, String(value)));
  else if (output.minimum !== undefined) {
    const { minimum, maximum } = output;
    const isIn = value >= minimum && value <= maximum;
    const seen = { value: write(value), low: write(minimum), high: write(maximum) };
    const told = say(isIn ? "range" : "out_of_range", seen);
    parts.push(drawScale(value, minimum, maximum, told), make("p", { class: "hint" }, told));
  }
  return parts;
}

const valueOf = ({ prediction }, { name }) => (isSeveral() ? prediction[name] : prediction);

// Return answers to many, which come as lists, one by one.
function listAnswers({ predictions, probabilities, decision_values }) {
  return predictions.map((prediction, at) => (
    { prediction, probabilities: probabilities?.[at], decision_values: decision_values?.[at] }));
}

function writeAnswer(answer) {
  const parts = outputs().flatMap((output) => (
    writeOutput(output, valueOf(answer, output), scoresOf(answer, output))));
  if (answer.anomaly) parts.push(make("p", { class: "warning" }, say("anomaly")));
  if (answer.warnings.length) {
    parts.push(make("ul", { class: "warning" }, ...answer.warnings.map((each) => make("li", {}, each))));
  }
  return parts;
}

const refresh = latest(async () => {
  const { status, text } = await predict(fields.instance(), "?details=true");
  if (status === 200) {
    fields.complain([]);
    find("#answer").replaceChildren(...writeAnswer(JSON.parse(text)));
  } else if (status !== 401) {
    const { errors = [] } = readProblem(text);
    const rest = fields.complain(errors);
    const told = rest.length || !errors.length ? say("refused", { detail: detailOf(text) }) : "";
    find("#answer").replaceChildren(make("p", { class: "warning" }, told));
  }
});

// The picture: a map for two numbers, else what happens along one column.

const hasRange = ({ kind, boolean, minimum }) => kind === "number" && !boolean && minimum !== undefined;

function writeAxis(name, values) {
  const { unit } = served.columns.find((each) => each.name === name);
  return `${name}: ${write(values[0])} – ${write(values.at(-1))}${unit ? ` ${unit}` : ""}`;
}

let chart = null;

async function writeMap() {
  const [x, y] = served.columns.map(({ name, minimum, maximum }, at) => (
    { name, seen: [minimum, maximum], values: spread(...widen(minimum, maximum, 0.15), CELLS[at]) }
  ));
  const label = say("map", { x: x.name, y: y.name });
  const choose = (a, b) => fields.set({ [x.name]: a, [y.name]: b });
  chart = new Chart({ columns: CELLS[0], rows: CELLS[1], x, y, label, choose });
  const { status, text } = await predict({
    [x.name]: y.values.flatMap(() => x.values),
    [y.name]: y.values.flatMap((value) => x.values.map(() => value)),
  });
  if (status !== 200) return;
  const { predictions } = JSON.parse(text);
  const { classes } = served.output;
  const low = Math.min(...predictions), high = Math.max(...predictions); // of numbers
  const places = new Map(classes?.map((name, at) => [name, at]));
  chart.paint(predictions.map((value) => (
    classes ? colourOf(places.get(value)) : shade(value, low, high))));
  find("#drawn").replaceChildren(
    make("p", { class: "hint" }, `↑ ${writeAxis(y.name, y.values)}`), chart.element,
    make("p", { class: "hint" }, `→ ${writeAxis(x.name, x.values)}`),
    legend(classes ? classes.slice(0, MOST_CLASSES).map((name, at) => [String(name), colourOf(at)])
      : [low, high].map((value) => [write(value), shade(value, low, high)])),
    make("p", { class: "hint" }, say("map_hint")));
  placePoint();
}

function placePoint() {
  if (!chart) return;
  const [x, y] = served.columns.map(({ name }) => Number(fields.instance()[name]));
  chart.place(x, y);
}

const along = make("select"), whose = make("select");

const refreshAlong = latest(async () => {
  const column = served.columns.find(({ name }) => name === along.value);
  const output = outputs().find(({ name }) => name === whose.value);
  const isNumber = column.kind === "number";
  const xs = isNumber
    ? spread(...widen(column.minimum, column.maximum, 0.1), STEPS) : column.categories.slice(0, STEPS);
  const here = fields.instance();
  const many = Object.fromEntries(Object.entries(here).map(([name, value]) => [name, xs.map(() => value)]));
  const { status, text } = await predict({ ...many, [column.name]: xs }, "?details=true");
  if (status !== 200) return;
  const answers = listAnswers(JSON.parse(text));
  const values = answers.map((each) => valueOf(each, output));
  const kind = scoresOf(answers[0], output)?.kind;
  const scores = kind && answers.map((each) => scoresOf(each, output).scores);
  const names = kind ? listNames(scores[0], output) : [output.name];
  const series = kind ? pickSeries(names, scores) : [[output.name, values, 0]];
  const label = say("along_label", { output: kind ? say(kind) : output.name, name: column.name });
  const parts = isNumber
    ? drawAlong(series, { xs, column, here: here[column.name], kind, label })
    : [drawBars(xs.map((each, at) => [`${each}: ${write(values[at])}`,
      kind ? scores[at][String(values[at])] : values[at],
      kind ? names.indexOf(String(values[at])) : 0]),
    { shares: kind === "probabilities", write })];
  find("#plotted").replaceChildren(make("p", {}, label), ...parts,
    ...(kind ? [legend(series.map(([name, , at]) => [name, colourOf(at)]))] : []));
});

// Return the scores of each class, or of those that come closest to winning.
function pickSeries(names, scores) {
  const all = names.map((name, at) => [name, scores.map((each) => each[name]), at]);
  const top = ([, numbers]) => Math.max(...numbers);
  const first = all.toSorted((a, b) => top(b) - top(a)).slice(0, MOST_CLASSES);
  return first.sort((a, b) => a[2] - b[2]);
}

function drawAlong(series, { xs, column, here, kind, label }) {
  const { minimum, maximum, name } = column;
  const plot = drawLines(series, {
    xs, here, seen: [minimum, maximum], axis: kind === "probabilities" ? [0, 1] : null, label, write,
  });
  return [plot, make("p", { class: "hint" }, `→ ${writeAxis(name, xs)}`), make("p", { class: "hint" }, say("along_hint"))];
}

function option(select, values) {
  select.replaceChildren(...values.map((value) => make("option", {}, value)));
  return select;
}

const labelled = (text, input) => make("label", {}, make("span", {}, text), input);

function writePicture() {
  const columns = served.columns.filter((each) => hasRange(each) || each.kind === "category");
  find("#picture").hidden = columns.length === 0;
  chart = null;
  if (served.columns.length === 2 && served.columns.every(hasRange) && !isSeveral()) {
    writeMap();
  } else if (columns.length) {
    option(along, columns.map(({ name }) => name)).addEventListener("change", refreshAlong);
    option(whose, outputs().map(({ name }) => name)).addEventListener("change", refreshAlong);
    const parts = [labelled(say("along"), along)];
    if (isSeveral()) parts.push(labelled(say("output"), whose));
    find("#drawn").replaceChildren(...parts, make("div", { id: "plotted" }));
  }
}

// The call, for programs.

const contract = make("select"), language = make("select");

function writeCall() {
  const url = address(served.contracts[contract.value]);
  const call = buildCall(contract.value, url, fields.instance(), served.columns, guarded);
  find("#command").textContent = languages[language.value](call);
}

function changed() {
  if (served.contracts.native) refresh();
  if (contract.value) writeCall();
  if (chart) placePoint();
  else if (along.value) refreshAlong();
}

// What is served, and the whole page.

function writeFacts() {
  const { provenance, runtime, evaluation } = served;
  const facts = {
    version: served.version,
    digest: served.digest,
    task: say(`task_${served.task}`),
    runtime: runtime === "numpy" ? say("runtime_numpy") : runtime,
    provenance: say(`provenance_${provenance.kind}`, provenance),
    evaluation: Object.entries(evaluation ?? {}).map(([name, value]) => `${name} ${write(value)}`).join(", "),
    contracts: listCalls(served.contracts).map(([name]) => name).join(", "),
  };
  const told = Object.entries(facts).filter(([, value]) => value !== "");
  find("#facts").replaceChildren(...told.flatMap(([key, value]) => (
    [make("dt", {}, say(key)), make("dd", {}, String(value))])));
  for (const warning of served.warnings) {
    find("#facts").append(make("dd", { class: "warning" }, warning));
  }
}

async function read() {
  find("#state").textContent = say("loading");
  const { status, text } = await ask(address(`${dataset.root}/`));
  if (status !== 200) {
    if (status !== 401) find("#state").textContent = say("refused", { detail: detailOf(text) });
    return;
  }
  guarded = access.token !== "";
  find("#access").hidden = true;
  served = JSON.parse(text);
  document.title = find("h1").textContent = say("title", served);
  find("#about").textContent = say("predicts", { output: outputs().map(({ name }) => name).join(", ") });
  fields = writeFields(find("#fields"), served, { say, write, changed });
  writeFacts();
  option(contract, listCalls(served.contracts).map(([name]) => name));
  option(language, Object.keys(languages));
  find("#choices").replaceChildren(
    labelled(say("contract"), contract), labelled(say("programming"), language));
  find("main").hidden = false;
  if (served.contracts.native) writePicture();
  else find("#answer").replaceChildren(make("p", {}, say("no_predict")));
  find("#file").hidden = !served.contracts.native;
  changed();
}

find(`nav [hreflang="${lang}"]`).setAttribute("aria-current", "page");
find("#choices").addEventListener("change", writeCall);
find("#copy").addEventListener("click", () => copyText(find("#command"), find("#copied"), words));
scoreFile(find("#file"), { say, ask, path: () => address(served.contracts.native), detailOf });
askForToken(read);
read();
