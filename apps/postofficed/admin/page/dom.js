// The document. Whatever comes from the daemon becomes text here, never markup.

const find = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined).map(
    (child) => child instanceof Node ? child : document.createTextNode(String(child))));
  return made;
}

// Leaves what is right alone: a live region is read aloud when it changes.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function badge(state, words = state) {
  const safe = /^[a-z_]+$/.test(state) ? state : 'unknown';
  return element('span', {class: 'badge ' + safe}, words);
}

// The roles are those of a table anyway, and remain where the style sheet lays rows out anew.
function row(...cells) { return element('tr', {role: 'row'}, ...cells); }

function cell(content, kind) { return element('td', {class: kind, role: 'cell'}, content); }

function heading(content) { return element('th', {scope: 'row', role: 'rowheader'}, content); }

// Rows are replaced as a whole; with none, `empty` says what that means.
function fill(table, rows, empty) {
  const body = table.tBodies[0];
  if (rows.length) return body.replaceChildren(...rows);
  const columns = table.tHead.rows[0].cells.length;
  body.replaceChildren(row(element('td', {class: 'empty', role: 'cell', colspan: columns}, empty)));
}

// An instant, with the exact text of the daemon as its title.
function timeCell(text) {
  const time = parsed(text);
  if (time === undefined) return cell(none);
  return cell(element('time', {datetime: text, title: text}, instant(time)));
}
