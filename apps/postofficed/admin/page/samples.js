// The samples of /history, and what the curves are made of.

const kept = {second: 600, minute: 1440};

// How much is shown: the first that holds what was recorded, so that a daemon that was just started
// has curves, not corners.
const lengths = {second: [120, 300, 600], minute: [60, 180, 360, 720, 1440]};

// The samples of one pace, oldest first.
class Samples {
  constructor(by) {
    this.by = by;
    this.clear();
  }

  clear() {
    this.at = [];
    this.figures = {};
    this.histograms = {};
    this.bounds = {};
    this.last = undefined;  // number of the newest
  }

  query() { return queryOf({by: this.by, after: this.last}); }

  // What the daemon answered to query().
  add(answer) {
    const at = answer.at || [];
    // An earlier process numbered what is here: the daemon was started anew.
    if (this.last !== undefined && answer.first <= this.last) this.clear();
    if (!at.length) return;
    const before = this.at.length;
    this.at.push(...at);
    for (const [name, values] of Object.entries(answer.figures || {})) {
      (this.figures[name] ||= new Array(before).fill(null)).push(...values);
    }
    for (const [name, histogram] of Object.entries(answer.histograms || {})) {
      this.bounds[name] = histogram.bounds;
      (this.histograms[name] ||= new Array(before).fill(0)).push(...histogram.counts);
    }
    this.last = answer.first + at.length - 1;
    this.trim(this.at.length - kept[this.by]);
  }

  trim(excess) {
    if (excess <= 0) return;
    this.at.splice(0, excess);
    for (const values of Object.values(this.figures)) values.splice(0, excess);
    for (const rows of Object.values(this.histograms)) rows.splice(0, excess);
  }

  has(name) { return (this.figures[name] || []).some(known); }
  latest(name) {
    const value = (this.figures[name] || []).at(-1);
    return known(value) ? value : undefined;
  }

  // Counted a second over the newest samples, at most `seconds` of them.
  recentRate(name, seconds) {
    const values = this.figures[name];
    if (!values || this.at.length < 2) return undefined;
    const from = Math.max(1, this.at.length - seconds);
    const passed = (this.at.at(-1) - this.at[from - 1]) / 1000;
    return passed > 0 ? total(values.slice(from)) / passed : undefined;
  }

  total(name) { return this.figures[name] ? total(this.figures[name]) : undefined; }
}

function total(values) { return values.reduce((sum, value) => sum + (value || 0), 0); }

// Time in equal columns that end now and begin at round instants, so that a curve moves to the left
// without changing its shape.
class Columns {
  constructor(samples, wanted) {
    const step = samples.by === 'second' ? 1000 : 60000;
    const newest = samples.at.at(-1) ?? Date.now();
    const recorded = (newest - (samples.at[0] ?? newest)) / step;
    const steps = lengths[samples.by].find((length) => length > recorded) ?? kept[samples.by];
    this.step = step * Math.ceil(steps / wanted);
    this.count = Math.ceil(steps * step / this.step);
    this.end = (Math.floor(newest / this.step) + 1) * this.step;
    this.begin = this.end - this.count * this.step;
    this.samples = samples;
  }

  at(column) { return this.begin + column * this.step; }

  // Calls see(column, sample's index).
  each(see) {
    const at = this.samples.at;
    for (let i = 0; i < at.length; ++i) {
      const column = Math.floor((at[i] - this.begin) / this.step);
      if (column >= 0 && column < this.count) see(column, i);
    }
  }

  // A level: the largest of each column; undefined where there is none.
  largest(name) {
    const result = new Array(this.count).fill(undefined);
    const values = this.samples.figures[name] || [];
    this.each((column, i) => {
      if (known(values[i])) result[column] = Math.max(result[column] ?? -Infinity, values[i]);
    });
    return result;
  }

  // A count, as so many a second.
  rate(name) {
    const sums = new Array(this.count).fill(undefined);
    const passed = new Array(this.count).fill(0);
    const values = this.samples.figures[name] || [];
    const at = this.samples.at;
    this.each((column, i) => {
      if (i === 0 || !known(values[i])) return;
      sums[column] = (sums[column] ?? 0) + values[i];
      passed[column] += (at[i] - at[i - 1]) / 1000;
    });
    return sums.map((sum, i) => passed[i] > 0 ? sum / passed[i] : undefined);
  }

  // For each column, how many fell into each bucket; undefined where there were none.
  buckets(name) {
    const result = new Array(this.count).fill(undefined);
    const rows = this.samples.histograms[name] || [];
    this.each((column, i) => {
      if (!rows[i]) return;
      const sum = result[column] ||= [];
      rows[i].forEach((value, bucket) => { sum[bucket] = (sum[bucket] || 0) + value; });
    });
    return result;
  }

  quantile(name, share) {
    const bounds = this.samples.bounds[name] || [];
    return this.buckets(name).map((counts) => quantileOf(counts, bounds, share));
  }
}

// Within a bucket, values are taken to lie evenly. Beyond the last bound, it is that bound.
function quantileOf(counts, bounds, share) {
  if (!counts) return undefined;
  const all = total(counts);
  if (!all) return undefined;
  let left = share * all;
  for (let i = 0; i < counts.length; ++i) {
    const inside = counts[i] || 0;
    if (inside && left <= inside) {
      const low = i === 0 ? 0 : bounds[i - 1];
      return i < bounds.length ? low + (bounds[i] - low) * (left / inside) : bounds.at(-1);
    }
    left -= inside;
  }
  return bounds.at(-1);
}
