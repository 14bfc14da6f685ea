// Requests to the daemon. The admin token lives in this tab only, and never in an address.

const tokenKey = 'postoffice-admin-token';

const token = {
  get() { try { return sessionStorage.getItem(tokenKey) || ''; } catch { return this.kept || ''; } },
  set(value) {
    this.kept = value;
    try { sessionStorage.setItem(tokenKey, value); } catch { /* kept in memory alone */ }
  },
};

class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

const patience = 8000;  // ms

async function ask(path, options = {}) {
  const headers = {Accept: 'application/json'};
  if (token.get()) headers.Authorization = 'Bearer ' + token.get();
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(path, {
    method: options.body === undefined ? 'GET' : 'POST',
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
    headers, cache: 'no-store', credentials: 'same-origin', redirect: 'error',
    signal: AbortSignal.timeout(patience),
  });
  const text = await response.text();
  let answer;
  try { answer = JSON.parse(text); } catch { answer = undefined; }
  if (response.ok && answer !== undefined) return answer;
  const words = answer && (answer.detail || answer.title);
  throw new Refused(response.status, words || 'the daemon answered with ' + response.status);
}

function queryOf(values) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') parameters.set(name, value);
  }
  const text = parameters.toString();
  return text ? '?' + text : '';
}

// Calls `task` again `pause()` ms after it has ended: never two at once. `now()` does not wait.
class Repeated {
  constructor(task, pause) {
    this.task = task;
    this.pause = pause;
    this.running = false;
  }
  async now() {
    clearTimeout(this.timer);
    if (this.running) return;
    this.running = true;
    try { await this.task(); } finally {
      this.running = false;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), this.pause());
    }
  }
}
