// One line for the whole: well, or what is wrong and what to do next; and the parts.

const partNames = {
  ingress: 'Callback endpoint', queue: 'Queue', broker: 'Broker', source: 'Source',
  store: 'Database', expiry: 'Expiry', rows: 'Rows', backlog: 'Backlog', log: 'Log',
  pipeline: 'Pipeline', answers: 'Answers',
};
const badness = {down: 3, degraded: 2, behind: 1};
const stateWords = {
  down: 'is down', degraded: 'needs attention', behind: 'is behind', well: 'is well',
  idle: 'is idle',
};

// What a part says of itself while nothing is wrong with it.
const usualWords = {
  ingress: 'Takes callbacks.', queue: 'Makes callbacks durable.',
  broker: 'Confirms what is published.', source: 'Answers.', store: 'Takes what is written.',
  expiry: 'Deletes what was not received for ttl.',
};

const nameOf = (part) => partNames[part] || capital(String(part));

// What is wrong, worst first, whether parts or only troubles say it: {name, state, since, what, next}.
function wrongOf(answer) {
  const parts = (answer.parts || []).filter((part) => badness[part.state]);
  const told = new Set(parts.map((part) => part.part));
  const troubles = answer.troubles || [];
  const wrong = parts.map((part) => {
    const trouble = troubles.find((one) => one.part === part.part);
    return {
      name: nameOf(part.part), state: part.state, since: parsed(part.since),
      what: part.means || trouble?.what || part.last_error, next: part.next || trouble?.next,
    };
  });
  for (const trouble of troubles) {
    if (told.has(trouble.part)) continue;
    wrong.push({name: nameOf(trouble.part), state: 'degraded', what: trouble.what,
      next: trouble.next});
  }
  return wrong.sort((a, b) => badness[b.state] - badness[a.state]);
}

function headline(wrong) {
  const since = wrong.since === undefined ? '' : ' since ' + instant(wrong.since);
  return wrong.name + ' ' + stateWords[wrong.state] + since;
}

function showState(answer) {
  const wrong = wrongOf(answer);
  const [worst, ...others] = wrong;
  const idle = (answer.parts || []).some((part) => part.part === 'source' && part.state === 'idle');
  tellState(worst ? worst.state : 'well',
    worst ? headline(worst) : 'Everything is well',
    worst ? about(worst.what)
      : idle ? 'There is nothing to do at present.' : 'Callbacks are accepted, fetched and stored.',
    worst?.next ? 'Next: ' + ended(worst.next)
      : worst ? 'Next: remove the cause; the daemon goes on trying by itself.' : '');
  const items = others.map((one) => element('li', {},
    element('strong', {}, headline(one) + '. '), about(one.what) +
    (one.next ? ' Next: ' + ended(one.next) : '')));
  const list = find('state-others');
  const text = items.map((item) => item.textContent).join('\n');
  if (list.textContent !== text.replaceAll('\n', '')) list.replaceChildren(...items);
  document.title = (worst ? '(!) ' + worst.name + ' ' + stateWords[worst.state] + ' – ' : '') +
    'Postoffice';
}

function tellState(state, words, more = '', next = '') {
  find('state').dataset.state = state;
  say(find('state-words'), words);
  say(find('state-more'), more);
  say(find('state-next'), next);
}

// The daemon cannot be asked.
function showAway(since, problem) {
  tellState('away', 'No answer from the daemon since ' + instant(since), sentence(problem),
    'Next: look whether the process runs and what it logged last; this page goes on trying.');
  find('state-others').replaceChildren();
  document.title = '(!) No answer – Postoffice';
}

const strips = new Map();  // part -> its strip, which outlives its row

function stripOf(part) {
  if (!strips.has(part)) {
    strips.set(part, new Strip(element('canvas', {class: 'strip', role: 'img'}), nameOf(part)));
  }
  return strips.get(part);
}

function showStrips(columns) {
  for (const [part, strip] of strips) strip.show(columns.largest('state_' + part), columns);
}

function partRow(part) {
  const wrong = badness[part.state];
  const words = [about(part.means) || (wrong ? '' : usualWords[part.part])];
  if (wrong && part.next) words.push('Next: ' + ended(part.next));
  if (part.last_error && !String(part.means).includes(part.last_error)) {
    words.push('Last error: ' + about(part.last_error));
  }
  const since = parsed(part.since);
  return row(heading(nameOf(part.part)), cell(badge(String(part.state))),
    since > 0 ? timeCell(part.since) : cell(none), cell(stripOf(part.part).node, 'strip-cell'),
    cell(words.filter(Boolean).join(' '), 'words'));
}

function showParts(answer) {
  const parts = answer.parts || [];
  const text = JSON.stringify(parts.map((part) => ({...part, for_seconds: 0})));
  if (text === showParts.shown) return;  // a selection of text stays
  showParts.shown = text;
  fill(find('parts'), parts.map(partRow), 'This daemon does not tell about its parts.');
}
