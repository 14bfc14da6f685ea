// Dead letters: to filter, to replay, to drop. Nothing is changed before a dry run was looked at.

class DeadLetters {
  constructor() {
    this.form = find('letters-form');
    this.table = find('letters');
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.restart(); });
    find('letters-first').addEventListener('click', () => this.restart());
    find('letters-next').addEventListener('click', () => { this.after = this.next; this.load(); });
    find('letters-replay').addEventListener('click', () => this.change('replay'));
    find('letters-drop').addEventListener('click', () => this.change('drop'));
    find('letters-all').addEventListener('change', (event) => {
      for (const box of this.boxes()) box.checked = event.target.checked;
      this.count();
    });
    this.table.tBodies[0].addEventListener('change', () => this.count());
  }

  // When there are others than before, and nobody is about to choose.
  async refresh(number) {
    if (number === this.number || this.chosen().length) return;
    this.number = number;
    await this.load();
  }

  restart() { this.after = undefined; return this.load(); }
  boxes() { return [...this.table.tBodies[0].querySelectorAll('input')]; }
  chosen() { return this.boxes().filter((box) => box.checked).map((box) => box.value); }

  filter() {
    const {reason, since, id} = this.form.elements;
    return {reason: reason.value.trim(), since: since.value, id: id.value.trim()};
  }

  async load() {
    const {reason, since, id} = this.filter();
    try {
      const answer = await ask('/dead-letters' + queryOf(
        {reason, since: since && since + 's', id, after: this.after, limit: 20}));
      find('letters-card').hidden = false;
      this.show(answer, reason || since || id);
    } catch (problem) {
      if (find('letters-card').hidden) return;
      fill(this.table, [], sentence(problem.message));
      this.count();
    }
  }

  show({dead_letters: letters, next}, filtered) {
    fill(this.table, letters.map((letter) => this.row(letter)), filtered
      ? 'No dead letter matches the filter.'
      : 'There is none. An id that fails until ttl has passed, and at least three times, ends here.');
    this.next = next === null || next === undefined ? undefined
      : String(idText(letters.at(-1) || {id: next}));
    find('letters-next').disabled = this.next === undefined;
    find('letters-first').disabled = this.after === undefined;
    find('letters-all').checked = false;
    this.shown = letters.length;
    this.count();
  }

  row(letter) {
    const id = idText(letter);
    const box = element('input', {type: 'checkbox', value: id, 'aria-label': 'Choose ' + id});
    return row(cell(box), cell(id, 'number'), timeCell(letter.received_at),
      timeCell(letter.failed_at), cell(count(letter.attempts), 'number'),
      cell(letter.reason, 'words'));
  }

  // The buttons say what they would be about.
  count() {
    const chosen = this.chosen().length;
    const words = chosen ? count(chosen) + ' chosen' : 'all that match';
    for (const [name, verb] of [['replay', 'Replay '], ['drop', 'Drop ']]) {
      const button = find('letters-' + name);
      button.disabled = !this.boxes().length;
      say(button, verb + words + '…');
    }
  }

  // Which ones, as the daemon wants it.
  selection() {
    const chosen = this.chosen();
    const {reason, since, id} = this.filter();
    // Ids go as text where a number would not be exact.
    const exact = (text) => Number.isSafeInteger(Number(text)) ? Number(text) : text;
    if (chosen.length) return {ids: chosen.map(exact)};
    if (id) return {ids: [exact(id)]};
    const selected = {reason: reason || undefined, since_seconds: since ? Number(since) : undefined};
    return reason || since ? selected : {all: true};
  }

  async change(verb) {
    const selection = this.selection();
    const path = '/dead-letters/' + verb;
    const tried = await confirmed({
      title: capital(verb) + ' dead letters?', go: capital(verb),
      prepare: async () => {
        const matched = await allOf(path, {...selection, dry_run: true}, 'matched');
        return plural(matched, 'dead letter matches', 'dead letters match') + '. ' +
          (verb === 'replay'
            ? 'Each is received again, now, and fetched anew.'
            : 'They are removed for good; their ids are not fetched again until they are received.');
      },
      act: async () => {
        const done = await allOf(path, selection, 'done');
        return plural(done, 'dead letter was ', 'dead letters were ') +
          (verb === 'replay' ? 'replayed' : 'dropped') + ' at ' + clock.format(Date.now());
      },
    });
    if (tried === undefined) return;  // what was chosen stays so
    say(find('letters-note'), tried);
    await this.restart();
  }
}

// A request is about so many at most; the answer says where the next begins.
async function allOf(path, selection, figure) {
  let sum = 0;
  let after;
  do {
    const answer = await ask(path, {body: {...selection, after}});
    sum += answer[figure];
    after = answer.next === null ? undefined : answer.next_text ?? answer.next;
  } while (after !== undefined);
  return sum;
}

// Asks in a dialog: first for the token if there is none, then with what `prepare` found. Resolves
// with what `act` said; nothing: cancelled.
function confirmed({title, go, prepare, act}) {
  const dialog = find('ask');
  const form = find('ask-form');
  const button = find('ask-go');
  const input = form.elements.token;
  say(find('ask-title'), title);
  say(find('ask-problem'), '');
  let prepared = !prepare;
  let given = false;  // a token, so that its refusal is news
  const step = (words, label, needsToken) => {
    say(find('ask-words'), words);
    say(button, label);
    find('ask-token').hidden = !needsToken;
    (needsToken ? input : button).focus();
  };
  const lookFirst = async () => {
    const words = await prepare();
    prepared = true;
    step(words, go, false);
  };
  const attempt = async (task) => {
    button.disabled = true;
    say(find('ask-problem'), '');
    try { return await task(); } catch (problem) {
      const needsToken = problem.status === 401 || problem.status === 403;
      if (needsToken) step('This needs the admin token.', 'Go on', true);
      say(find('ask-problem'), needsToken && !given ? '' : sentence(problem.message));
      return undefined;
    } finally { button.disabled = false; }
  };
  return new Promise((resolve) => {
    const finish = (answer) => {
      input.value = '';
      form.onsubmit = find('ask-cancel').onclick = dialog.oncancel = null;
      dialog.close();
      resolve(answer);
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      given = input.value !== '';
      if (given) { token.set(input.value.trim()); input.value = ''; }
      if (!prepared) return attempt(lookFirst);
      attempt(act).then((answer) => { if (answer !== undefined) finish(answer); });
    };
    find('ask-cancel').onclick = () => finish(undefined);
    dialog.oncancel = () => finish(undefined);
    dialog.showModal();
    if (!prepare) return step('Reading or changing this daemon needs its token.', 'Keep', true);
    step('', 'Go on', false);
    attempt(lookFirst);
  });
}
