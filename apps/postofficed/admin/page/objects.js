// The objects to browse and filter.

class Objects {
  constructor() {
    this.form = find('objects-form');
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.after = undefined;
      this.load();
    });
    this.form.elements.online.addEventListener('change', () => this.form.requestSubmit());
    new IntersectionObserver((seen) => { this.inView = seen.at(-1).isIntersecting; })
      .observe(find('objects'));
    find('objects-first').addEventListener('click', () => { this.after = undefined; this.load(); });
    find('objects-next').addEventListener('click', () => { this.after = this.next; this.load(); });
  }

  // While somebody looks at them, and does not mark any text.
  refresh() {
    if (this.inView && getSelection().isCollapsed) return this.load(true);
  }

  async load(quietly = false) {
    const id = this.form.elements.id.value.trim();
    try {
      const answer = id ? await this.single(id) : await ask('/objects' + queryOf(
        {online: this.form.elements.online.value, after: this.after, limit: 12}));
      this.show(answer, id);
    } catch (problem) {
      if (quietly) return;
      fill(find('objects'), [], sentence(problem.message));
    }
  }

  // As a page of one, not as /objects/<id>: browsers write each 404 to their console.
  async single(id) {
    if (!/^-?\d{1,19}$/.test(id)) throw new Error('"' + id + '" is not an id: a whole number is');
    const first = BigInt(id) === -(2n ** 63n);
    const {objects} = await ask('/objects' + queryOf(
      {after: first ? undefined : String(BigInt(id) - 1n), limit: 1}));
    return {objects: objects.filter((object) => idText(object) === String(BigInt(id)) ||
      object.id === Number(id)), next: null};
  }

  show({objects, next}, id) {
    const empty = id ? 'There is no object ' + id + '.'
      : this.form.elements.online.value ? 'No object has this status.'
        : 'No object is stored. Objects appear when a callback names them and the source answers.';
    fill(find('objects'), objects.map((object) => this.row(object)), empty);
    this.next = next === null || next === undefined ? undefined : idText(objects.at(-1));
    find('objects-next').disabled = this.next === undefined;
    find('objects-first').disabled = this.after === undefined;
    say(find('objects-note'), objects.length ? 'as of ' + clock.format(Date.now()) : '');
  }

  row(object) {
    const seen = parsed(object.last_seen);
    const left = seen === undefined || !daemon.ttl ? undefined
      : daemon.ttl - (daemon.now() - seen) / 1000;
    return row(cell(idText(object), 'number'),
      cell(badge(object.online ? 'online' : 'offline')), timeCell(object.last_seen),
      cell(left === undefined ? none : left > 0 ? span(left) : 'now', 'number'),
      timeCell(object.fetched_at));
  }
}
