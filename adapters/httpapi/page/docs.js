"use strict";
// Renders the operations of /openapi.json. Everything is set as text, never as
// markup, so the page works under a policy that trusts no inline anything.

const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== undefined && text !== "") made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

const resolve = (api, schema) => {
  while (schema && schema.$ref) schema = api.components.schemas[schema.$ref.split("/").pop()];
  return schema || {};
};

const typeOf = (api, schema) => {
  const found = resolve(api, schema);
  const type = Array.isArray(found.type) ? found.type.join(" or ") : found.type || "any";
  if (type.startsWith("array")) return "list of " + typeOf(api, found.items);
  if (found.enum) return found.enum.join(" | ");
  return found.format ? type + " (" + found.format + ")" : type;
};

const table = (headings, rows) => {
  const made = element("table");
  const head = element("tr");
  headings.forEach((heading) => head.append(element("th", heading, { scope: "col" })));
  made.append(head);
  rows.forEach((cells) => {
    const row = element("tr");
    cells.forEach((cell, i) => {
      const td = element("td");
      td.append(i === 0 ? element("code", cell) : cell);
      row.append(td);
    });
    made.append(row);
  });
  return made;
};

const folded = (title, ...parts) => {
  const made = element("details");
  made.append(element("summary", title), ...parts);
  return made;
};

const members = (api, schema) => {
  const found = resolve(api, schema);
  const required = found.required || [];
  return Object.entries(found.properties || {}).map(([name, member]) => [
    name, typeOf(api, member), required.includes(name) ? "required" : "", member.description || resolve(api, member).description || "",
  ]);
};

const content = (api, media) => Object.entries(media || {}).flatMap(([type, body]) => {
  const parts = [element("p", type, { class: "quiet" })];
  const rows = members(api, body.schema);
  if (rows.length) parts.push(table(["Member", "Type", "", "Meaning"], rows));
  if (body.example !== undefined) {
    parts.push(element("pre", typeof body.example === "string" ? body.example : JSON.stringify(body.example, null, 2)));
  }
  return parts;
});

const access = (who) => {
  if (who === "public" || !who) return "Public.";
  const roles = Object.entries(who).map(([role, reach]) => (reach === "own" ? role + " (own records only)" : role));
  return roles.length ? "For: " + roles.join(", ") + "." : "For nobody.";
};

const operation = (api, method, path, op) => {
  const made = element("section", "", { id: op.operationId });
  const heading = element("h3");
  heading.append(element("span", method.toUpperCase(), { class: "method" }), element("code", path));
  made.append(heading, element("p", op.summary + (/[.?!]$/.test(op.summary) ? " " : ". ") + (op.description || "")), element("p", access(op["x-access"]), { class: "quiet" }));
  if (op.parameters && op.parameters.length) {
    made.append(table(["Parameter", "In", "Type", "", "Meaning"], op.parameters.map((p) => [
      p.name, p.in, typeOf(api, p.schema), p.required ? "required" : "", p.description || "",
    ])));
  }
  if (op.requestBody) made.append(folded("Body", ...content(api, op.requestBody.content)));
  Object.entries(op.responses).sort().forEach(([status, response]) => {
    made.append(folded(status + " " + (response.description || ""), ...content(api, response.content)));
  });
  return made;
};

const render = (api) => {
  document.getElementById("title").textContent = api.info.title + " API " + api.info.version;
  document.getElementById("about").textContent = api.info.description || "";
  const groups = new Map();
  Object.entries(api.paths).forEach(([path, item]) => Object.entries(item).forEach(([method, op]) => {
    const tag = (op.tags || ["Other"])[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push([method, path, op]);
  }));
  const list = element("ul");
  const main = document.getElementById("operations");
  groups.forEach((operations, tag) => {
    main.append(element("h2", tag));
    operations.forEach(([method, path, op]) => {
      const entry = element("li");
      entry.append(element("a", op.summary, { href: "#" + op.operationId }));
      list.append(entry);
      main.append(operation(api, method, path, op));
    });
  });
  document.getElementById("contents").append(list);
};

fetch("/openapi.json")
  .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
  .then(render)
  .catch(() => { document.getElementById("about").textContent = "The document could not be read."; });
