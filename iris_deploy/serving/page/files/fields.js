// A field for each column, by its kind: slider and number, list of categories, text; and what misses.

import { make } from "./common.js";
import { widen } from "./pictures.js";

const STEPS = 100; // of a slider, at least

// Write a field for each column into a form. Returns what reads them, sets them and complains.
export function writeFields(form, { columns, example }, { say, write, changed }) {
  const fields = columns.map((column, at) => writeField(column, at, example[column.name], say, write));
  form.replaceChildren(...fields.map(({ element }) => element));
  form.oninput = form.onchange = changed;
  form.onsubmit = (event) => event.preventDefault();
  const named = new Map(fields.map((field) => [field.name, field]));
  return {
    instance: () => Object.fromEntries(fields.map(({ name, read }) => [name, read()])),
    set(values) {
      for (const [name, value] of Object.entries(values)) named.get(name).set(value);
      changed();
    },
    // Say what is wrong with which field; returns what is about none of them.
    complain(errors) {
      const told = new Map(errors.map((each) => [pointed(each.pointer), each.detail]));
      for (const { name, tell } of fields) tell(told.get(name) ?? "");
      return errors.filter(({ pointer }) => !named.has(pointed(pointer)));
    },
  };
}

const pointed = (pointer) => pointer.slice(2).replaceAll("~1", "/").replaceAll("~0", "~");

const WRITERS = { number: writeNumber, category: writeCategory, text: writeText };

function writeField(column, at, value, say, write) {
  const id = `field-${at}`;
  const { inputs, hint = "", read, set } = WRITERS[column.kind](column, id, value, say, write);
  const problem = make("p", { class: "problem", id: `${id}-problem` });
  for (const input of inputs) input.setAttribute("aria-describedby", `${id}-hint ${id}-problem`);
  const gone = make("input", { type: "checkbox" });
  const isGone = column.missing && (value === null || value === undefined);
  const show = () => inputs.forEach((input) => { input.disabled = gone.checked; });
  gone.checked = isGone;
  gone.addEventListener("change", show);
  show();
  const unit = column.unit ? make("small", {}, column.unit) : "";
  const element = make("div", { class: "field" },
    make("label", { for: id }, make("span", {}, column.name, " ", unit)),
    make("div", { class: "inputs" }, ...inputs),
    ...(column.missing ? [make("label", { class: "missing" }, gone, ` ${say("missing")}`)] : []),
    make("p", { class: "hint", id: `${id}-hint` }, hint), problem);
  return {
    name: column.name,
    element,
    read: () => (gone.checked ? null : read()),
    set(value) {
      gone.checked = false;
      show();
      set(value);
    },
    tell(text) {
      problem.textContent = text;
      for (const input of inputs) input.setAttribute("aria-invalid", String(text !== ""));
    },
  };
}

function writeNumber(column, id, value, say, write) {
  if (column.boolean) return writeChoice([true, false], id, value);
  const input = make("input", { id, type: "number", step: "any" });
  input.value = value ?? column.minimum ?? "";
  const read = () => (input.value === "" ? null : Number(input.value));
  const { minimum, maximum, name } = column;
  if (minimum === undefined) {
    const set = (other) => { input.value = other; };
    return { inputs: [input], hint: say("unknown_range"), read, set };
  }
  const [low, high] = widen(minimum, maximum, 0.15);
  const step = 10 ** Math.floor(Math.log10((high - low) / STEPS));
  const slider = make("input", {
    type: "range", min: low, max: high, step: "any", "aria-label": say("slider", { name }),
  });
  const round = (number) => Number((Math.round(number / step) * step).toPrecision(12));
  slider.value = input.value;
  slider.addEventListener("input", () => { input.value = round(Number(slider.value)); });
  slider.addEventListener("keydown", (event) => { // "any" has browsers choose steps that are too large
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    set(Number(input.value) + way * step);
    slider.dispatchEvent(new Event("change", { bubbles: true }));
  });
  input.addEventListener("input", () => { slider.value = input.value; });
  const set = (other) => {
    input.value = round(other);
    slider.value = input.value;
  };
  const hint = say("in_training", { low: write(minimum), high: write(maximum) });
  return { inputs: [input, slider], hint, read, set };
}

function writeChoice(values, id, value) {
  const select = make("select", { id },
    ...values.map((each) => make("option", { value: JSON.stringify(each) }, String(each))));
  const set = (other) => { select.value = JSON.stringify(other); };
  set(values.includes(value) ? value : values[0]);
  return { inputs: [select], read: () => JSON.parse(select.value), set };
}

const OTHER = "…"; // no JSON, so no category

function writeCategory({ name, categories, unknown, more }, id, value, say) {
  const isText = typeof categories[0] === "string";
  const choice = writeChoice(categories, id, value);
  if (!unknown && !more) return choice;
  const [select] = choice.inputs;
  select.append(make("option", { value: OTHER }, say("another")));
  const other = make("input", { "aria-label": say("another_value", { name }), hidden: true });
  const show = () => { other.hidden = select.value !== OTHER; };
  select.addEventListener("change", show);
  return {
    inputs: [select, other],
    read: () => {
      if (select.value !== OTHER) return choice.read();
      return isText ? other.value : Number(other.value);
    },
    set(wanted) {
      const isListed = categories.includes(wanted);
      if (isListed) choice.set(wanted);
      else {
        select.value = OTHER;
        other.value = wanted;
      }
      show();
    },
  };
}

function writeText(column, id, value) {
  const area = make("textarea", { id, rows: 4 });
  const set = (other) => { area.value = other; };
  set(value ?? "");
  return { inputs: [area], read: () => area.value, set };
}
