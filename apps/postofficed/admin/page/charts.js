// Curves, sparks and the heat map, all over the same columns of time.

// The column that the pointer or the arrow keys chose, in all charts at once; undefined: none.
const cursor = {column: undefined, charts: [], set(column) {
  if (this.column === column) return;
  this.column = column;
  for (const chart of this.charts) chart.redraw();
}};

// What curves and heat map have in common: axes and cursor. The legend has the values: the newest, or
// those at the cursor, so that nothing moves.
class TimeChart extends Canvas {
  constructor(name) {
    super(find(name));
    this.name = name;
    this.readout = find(name + '-readout');
    this.legend = find(name + '-legend');
    this.left = 46;
    this.bottom = 18;
    this.top = 7;
    cursor.charts.push(this);
    this.listen();
  }

  listen() {
    this.node.addEventListener('pointermove', (event) => {
      const place = event.offsetX - this.left;
      cursor.set(place < 0 ? undefined : Math.floor(place / this.step()));
    });
    this.node.addEventListener('pointerleave', () => cursor.set(undefined));
    this.node.addEventListener('blur', () => cursor.set(undefined));
    this.node.addEventListener('keydown', (event) => {
      const last = this.columns.count - 1;
      const from = cursor.column ?? last + (event.key === 'ArrowLeft' ? 1 : 0);
      const to = {ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last}[event.key];
      if (event.key === 'Escape') cursor.set(undefined);
      if (to === undefined) return;
      event.preventDefault();
      cursor.set(Math.min(last, Math.max(0, to)));
    });
  }

  show(columns) {
    this.columns = columns;
    this.prepare(columns);
    this.redraw();
  }

  step() { return (this.node.clientWidth - this.left - 1) / (this.columns?.count ?? 1); }
  x(column) { return this.left + column * this.step(); }

  draw(context, width, height) {
    if (!this.columns) return;
    this.height = height - this.bottom - this.top;
    this.drawTime(context, width, height);
    this.drawContent(context, width, height);
    const column = cursor.column;
    if (column !== undefined && column < this.columns.count) {
      context.fillStyle = colours.quiet;
      context.fillRect(this.edge(this.x(column + .5)), this.top, 1 / this.scale, this.height);
    }
    say(this.readout, column === undefined ? '' : 'at ' + this.when(column));
    this.tell(column);
  }

  when(column) {
    const at = this.columns.at(column);
    return this.columns.step >= 60000 ? clockShort.format(at) : clock.format(at);
  }

  drawTime(context, width, height) {
    const {begin, end} = this.columns;
    for (const tick of timeTicks(begin, end, width - this.left)) {
      const x = this.left + (tick - begin) / (end - begin) * (width - this.left - 1);
      context.fillStyle = colours.line;
      context.fillRect(this.edge(x), this.top, 1 / this.scale, this.height + 4);
      if (x > this.left + 14 && x < width - 16) {
        writeLabel(context, clockShort.format(tick), x, height - 7, 'center');
      }
    }
  }

  drawLevel(context, width, y, text) {
    context.fillStyle = colours.line;
    context.fillRect(this.left, this.edge(y), width - this.left, 1 / this.scale);
    writeLabel(context, text, this.left - 6, y, 'right');
  }

  nothing(context, width, words) {
    writeLabel(context, words, (this.left + width) / 2, this.top + this.height / 2, 'center');
  }
}

// series: [{label, colour, values(columns), dashed, area}]; format(value); log: a logarithmic axis.
class Curves extends TimeChart {
  constructor(name, {series, format, axis = format, log = false, whole = false, empty}) {
    super(name);
    Object.assign(this, {series, format, axis, log, whole, empty});
  }

  prepare(columns) {
    this.lines = this.series.map((one) => ({...one, at: one.values(columns)}));
    const all = this.lines.flatMap((line) => line.at).filter(known);
    this.some = all.length > 0;
    this.setScale(all);
    this.describe();
  }

  // The top of the axis stays until a value leaves it, or all are far below it.
  setScale(all) {
    const largest = all.reduce((most, value) => Math.max(most, value), 0);
    if (this.log) {
      const positive = all.filter((value) => value > 0);
      const smallest = positive.reduce((least, value) => Math.min(least, value), Infinity);
      this.high = Math.ceil(Math.log10(Math.max(largest, 1e-3)) + .05);
      this.low = Math.min(this.high - 2, Math.floor(Math.log10(Math.min(smallest, 1))));
      return;
    }
    const wanted = Math.max(largest * 1.08, this.whole ? 4 : 1);
    if (!this.high || wanted > this.high || wanted < this.high * .5) this.high = wanted * 1.1;
  }

  y(value) {
    const share = this.log
      ? (Math.log10(Math.max(value, 10 ** this.low)) - this.low) / (this.high - this.low)
      : value / this.high;
    return this.top + this.height * (1 - Math.min(1, share));
  }

  drawContent(context, width) {
    if (this.log) {
      const every = Math.ceil((this.high - this.low) / 4);
      for (let power = this.low; power <= this.high; power += every) {
        this.drawLevel(context, width, this.y(10 ** power), this.axis(10 ** power));
      }
    } else {
      this.drawLevel(context, width, this.y(0), '0');
      for (const value of levelTicks(this.high, 4, this.whole)) {
        this.drawLevel(context, width, this.y(value), this.axis(value));
      }
    }
    if (!this.some) return this.nothing(context, width, this.empty);
    for (const line of this.lines) this.drawLine(context, line);
  }

  drawLine(context, line) {
    context.strokeStyle = context.fillStyle = colours[line.colour];
    context.lineWidth = 1.6;
    context.lineJoin = 'round';
    context.setLineDash(line.dashed ? [4, 3] : []);
    for (const [from, to] of runs(line.at)) {
      if (from === to) {  // a point alone has no line
        context.beginPath();
        context.arc(this.x(from + .5), this.y(line.at[from]), 1.8, 0, 7);
        context.fill();
        continue;
      }
      context.beginPath();
      for (let i = from; i <= to; ++i) context.lineTo(this.x(i + .5), this.y(line.at[i]));
      context.stroke();
      if (!line.area) continue;
      context.lineTo(this.x(to + .5), this.y(0));
      context.lineTo(this.x(from + .5), this.y(0));
      context.globalAlpha = .13;
      context.fill();
      context.globalAlpha = 1;
    }
    context.setLineDash([]);
  }

  words(column) {
    return this.lines.map((line) => {
      const value = column === undefined ? line.at.findLast(known) : line.at[column];
      return line.label + (known(value) ? ' ' + this.format(value)
        : column === undefined ? '' : ' ' + none);
    });
  }

  tell(column) { this.words(column).forEach((text, i) => say(this.items[i], text)); }

  describe() {
    if (!this.items) {
      this.items = this.lines.map((line) => {
        const mark = element('i', {class: line.dashed ? 'dashed' : undefined});
        mark.style[line.dashed ? 'borderColor' : 'background'] = 'var(--' + line.colour + ')';
        const text = element('span');
        this.legend.append(element('span', {}, mark, text));
        return text;
      });
    }
    this.node.setAttribute('aria-label', find(this.name + '-title').textContent + ': ' +
      (this.some ? this.words().join(', ') : this.empty));
  }
}

// Where values are, without gaps: [first, last] of each run.
function runs(values) {
  const found = [];
  for (let i = 0; i < values.length; ++i) {
    if (!known(values[i])) continue;
    if (i > 0 && known(values[i - 1])) found.at(-1)[1] = i; else found.push([i, i]);
  }
  return found;
}

// Time by bucket of a histogram: the darker, the more.
class HeatMap extends TimeChart {
  constructor(name, histogram, empty) {
    super(name);
    this.histogram = histogram;
    this.empty = empty;
    const mark = element('i', {class: 'ramp'});
    mark.style.background = 'linear-gradient(90deg, var(--heat-0), var(--heat-1))';
    this.most = element('span', {}, 'many');
    this.range = element('span');
    this.legend.append(element('span', {}, 'none ', mark, this.most), this.range);
  }

  prepare(columns) {
    this.bounds = columns.samples.bounds[this.histogram] || [];
    this.counts = columns.buckets(this.histogram);
    this.largest = this.counts.reduce(
      (most, counts) => Math.max(most, ...(counts || [0]).map((value) => value || 0)), 0);
    const sum = [];
    for (const counts of this.counts) {
      (counts || []).forEach((value, i) => { sum[i] = (sum[i] || 0) + (value || 0); });
    }
    const used = sum.map((value, i) => value ? i : -1).filter((i) => i >= 0);
    // Half a screen of unused rows would hide the rest.
    this.lowRow = Math.max(0, (used[0] ?? 4) - 2);
    this.highRow = Math.min(this.bounds.length, Math.max((used.at(-1) ?? 9) + 2, this.lowRow + 7));
    this.describe(sum);
  }

  describe(sum) {
    const all = total(sum);
    const words = all ? this.inWords(sum) : '';
    this.summary = words;
    say(this.most, all ? count(this.largest) + ' in ' + roundSpan(this.columns.step / 1000) : 'many');
    this.node.setAttribute('aria-label', 'How long the source takes: ' + (words || this.empty));
  }

  rowTop(row) {
    const rows = this.highRow - this.lowRow + 1;
    return this.edge(this.top + this.height * (this.highRow - row) / rows);
  }

  drawContent(context, width) {
    if (!this.largest) return this.nothing(context, width, this.empty);
    const every = this.height / (this.highRow - this.lowRow + 1) < 13 ? 2 : 1;
    for (let row = this.lowRow; row <= this.highRow; row += every) {
      if (row < this.bounds.length) {
        writeLabel(context, roundSpan(this.bounds[row]), this.left - 6, this.rowTop(row), 'right');
      }
    }
    this.counts.forEach((counts, column) => {
      if (!counts) return;
      const from = this.edge(this.x(column));
      const to = this.edge(this.x(column + 1));
      for (let row = this.lowRow; row <= this.highRow; ++row) {
        if (!counts[row]) continue;
        const share = Math.sqrt(counts[row] / this.largest);
        context.fillStyle = colours.heat[Math.round(3 + share * (colours.heat.length - 4))];
        const top = this.rowTop(row);
        context.fillRect(from, top, to - from, this.rowTop(row - 1) - top);
      }
    });
  }

  tell(column) { say(this.range, column === undefined ? this.summary : this.told(column)); }

  told(column) {
    const counts = this.counts[column];
    return counts ? this.inWords(counts) : 'no fetch ended';
  }

  inWords(counts) {
    const within = (share) => span(quantileOf(counts, this.bounds, share));
    return count(total(counts)) + ' fetches: half within ' + within(.5) +
      ', 99 % within ' + within(.99);
  }
}

// The states of a part over the time shown: idle 0, well 1, behind 2, degraded 3, down 4.
class Strip extends Canvas {
  constructor(node, name) {
    super(node);
    this.name = name;
  }

  show(states, columns) {
    Object.assign(this, {states, columns});
    const wrong = states.filter((state) => state > 1).length;
    this.node.setAttribute('aria-label', this.name + ' was ' + (wrong
      ? 'not well for about ' + span(wrong * columns.step / 1000) : 'well all the time') + ' shown');
    this.redraw();
  }

  draw(context, width, height) {
    const fills = ['idle', 'well', 'behind', 'degraded', 'down'];
    context.fillStyle = colours.line;
    context.fillRect(0, this.edge(height / 2), width, 1 / this.scale);
    (this.states || []).forEach((state, i) => {
      if (!known(state)) return;
      const from = this.edge(i / this.states.length * width);
      const to = this.edge((i + 1) / this.states.length * width);
      context.globalAlpha = state === 0 ? .35 : state === 1 ? .75 : 1;
      context.fillStyle = colours[fills[state]] || colours.quiet;
      const tall = state > 1 ? height : height * .5;
      context.fillRect(from, this.edge((height - tall) / 2), to - from, tall);
    });
    context.globalAlpha = 1;
  }
}

// A curve of a finger's breadth, without axes.
class Spark extends Canvas {
  show(values, colour = 'accent', ceiling) {
    Object.assign(this, {values, colour, ceiling});
    this.redraw();
  }

  draw(context, width, height) {
    const values = this.values || [];
    const high = Math.max(this.ceiling || 0, 1e-9, ...values.filter(known)) * 1.05;
    const x = (i) => values.length < 2 ? 0 : i / (values.length - 1) * (width - 2);
    const y = (value) => height - 2 - (value / high) * (height - 5);
    context.fillStyle = colours.line;
    context.fillRect(0, this.edge(height - 1), width, 1 / this.scale);
    context.strokeStyle = context.fillStyle = colours[this.colour];
    context.lineWidth = 1.4;
    context.lineJoin = 'round';
    for (const [from, to] of runs(values)) {
      context.beginPath();
      for (let i = from; i <= to; ++i) context.lineTo(x(i), y(values[i]));
      context.stroke();
      context.lineTo(x(to), height - 1);
      context.lineTo(x(from), height - 1);
      context.globalAlpha = .12;
      context.fill();
      context.globalAlpha = 1;
    }
  }
}
